import type { ComponentChildren } from "preact";
import { go } from "../route/route.ts";

/** A link to another screen; it opens in a new tab as any other link does. */
export function Link({
  to,
  children,
  ...more
}: {
  to: string;
  children: ComponentChildren;
  class?: string;
  current?: boolean;
}) {
  const { current, ...rest } = more;
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={to} onClick={follow} {...rest} {...(current === true ? { "aria-current": "page" } : {})}>
      {children}
    </a>
  );
}
