/**
 * The same text as one sequence of characters. V8 keeps what was put together with `+` as a tree of its parts, and walks
 * it again for each line that holds it: a text that goes into many lines is made flat once.
 */
export function flatText(text: string): string {
  return text.split('').join('')
}
