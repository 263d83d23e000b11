import type { ImageView, StreamView } from "../../contract/operator/views.ts";
import { describeImport, type ImportProgress } from "../../core/image/import-progress.ts";
import { useAnswer } from "../data/query.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { Link } from "../parts/link.tsx";
import { Age, Time } from "../parts/time.tsx";
import { listPath, machinePath } from "../route/route.ts";
import { commandLine } from "../text/shell-word.ts";
import { bytesText, countText } from "../text/time.ts";

type Listed = { readonly images: readonly ImageView[]; readonly imports: readonly ImportProgress[] };

/** The streams of images and how far the fleet follows them, and all images. */
export function Images() {
  const streams = useAnswer<{ streams: readonly StreamView[] }>("/v1/streams", 5000);
  const images = useAnswer<Listed>("/v1/images", 2000);
  return (
    <section>
      <h1>Images</h1>
      {streams.fault === undefined ? null : <FaultNote fault={streams.fault} />}
      {(streams.value?.streams ?? []).map((stream) => (
        <Stream key={stream.stream} stream={stream} />
      ))}
      {images.fault === undefined ? null : <FaultNote fault={images.fault} />}
      {(images.value?.imports ?? []).map((one) => (
        <p key={one.stream} class="progress">
          <progress max={Math.max(1, one.totalBytes)} value={one.doneBytes} aria-label={describeImport(one)} />{" "}
          {describeImport(one)}, for <Age atMs={one.startedAtMs} />
        </p>
      ))}
      <ImageTable images={images.value?.images ?? []} />
      {images.value?.images.length === 0 ? <p>There are no images; birther image import adds one.</p> : null}
      <Command text="birther image list" />
    </section>
  );
}

function ImageTable({ images }: { images: readonly ImageView[] }) {
  return (
    <table>
      <caption>All images</caption>
      <thead>
        <tr>
          <th scope="col">Image</th>
          <th scope="col">Paths</th>
          <th scope="col">Size</th>
          <th scope="col">Imported</th>
          <th scope="col">Remark</th>
        </tr>
      </thead>
      <tbody>
        {images.map(({ name, entries, bytes, importedAtMs, confidential, notHere }) => (
          <tr key={name}>
            <th scope="row">
              <Link to={listPath(`image=${name}`)}>{name}</Link>
            </th>
            <td>{countText(entries)}</td>
            <td>{bytesText(bytes)}</td>
            <td>
              <Time atMs={importedAtMs} />
            </td>
            <td>
              {[confidential === true ? "confidential" : "", notHere ?? ""].filter((text) => text !== "").join("; ")}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Stream({
  stream: { stream, current, previous, machines, onCurrent, moving, promotion, by, atMs },
}: {
  stream: StreamView;
}) {
  return (
    <article class="cause">
      <h2>
        {stream}: {current}
      </h2>
      <p>
        {countText(onCurrent)} of {countText(machines)} machines run it{" "}
        <meter
          max={Math.max(1, machines)}
          value={onCurrent}
          aria-label={`${onCurrent} of ${machines} machines run ${current}`}
        />{" "}
        · by {by}, <Time atMs={atMs} />
        {previous === undefined ? "" : ` · before it ${previous}`}
        {moving === true ? " · the machines are being given it" : ""}
      </p>
      {promotion === undefined ? null : (
        <>
          <p>
            Promotion of {promotion.image} by {promotion.by}: {promotion.progress.kind} on{" "}
            <Link to={machinePath(promotion.canary)}>{promotion.canary}</Link>: {promotion.progress.reason}
          </p>
          {promotion.progress.kind === "succeeded" ? (
            <Command text={commandLine("birther", "image", "promote", promotion.image, "--all")} />
          ) : null}
          <Command text={commandLine("birther", "image", "rollback", stream)} />
        </>
      )}
      <Link to={listPath(`imageStream=${stream},image!=${current}`)}>machines that do not run it yet</Link>
    </article>
  );
}
