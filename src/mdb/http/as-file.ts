/** The header with which a browser stores an answer under this name instead of showing it (RFC 6266). */
export function asFile(name: string): { readonly "content-disposition": string } {
  return { "content-disposition": `attachment; filename="${name.replace(/[^\w.-]/g, "_")}"` };
}
