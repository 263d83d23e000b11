import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { parameter, setParameters } from "../route/route.ts";

/** A field of a filter: the parameter of the address that it sets. */
export type FilterField = { readonly parameter: string; readonly label: string; readonly placeholder: string };

/** Fields whose values are parameters of the address; Enter sets them. */
export function FilterForm({ fields, children }: { fields: readonly FilterField[]; children?: ComponentChildren }) {
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const given = fields.map((field) => [field.parameter, String(data.get(nameOf(field)) ?? "").trim()] as const);
        setParameters(Object.fromEntries(given));
      }}
    >
      {fields.map((field) => (
        <Field key={field.parameter} field={field} />
      ))}
      {children}
    </form>
  );
}

/** A field that follows the address without losing the focus. */
function Field({ field }: { field: FilterField }) {
  const input = useRef<HTMLInputElement>(null);
  const value = parameter(field.parameter);
  useLayoutEffect(() => {
    if (input.current !== null) input.current.value = value;
  }, [value]);
  return (
    <label>
      {field.label}{" "}
      <input
        ref={input}
        name={nameOf(field)}
        defaultValue={value}
        placeholder={field.placeholder}
        spellcheck={false}
        autocomplete="off"
      />
    </label>
  );
}

/**
 * A field is a property of its form by its name, before the form's own: one named `l` hides the listeners that Preact keeps
 * there, and the browser submits the form to the server.
 */
function nameOf({ parameter }: FilterField): string {
  return `field-${parameter}`;
}
