/** All of a URL `scheme://host:port` before the port: who speaks, from whatever port. */
export function hostOf(url: string): string {
  return url.slice(0, url.lastIndexOf(':'))
}
