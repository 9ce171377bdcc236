/** Of all values given in one turn of the event loop only the last is passed on: totals say all that came before. */
export function lastOfTurn<T>(pass: (value: T) => void): (value: T) => void {
  let due: { readonly value: T } | undefined
  return (value) => {
    const first = due === undefined
    due = { value }
    if (!first) return
    queueMicrotask(() => {
      const last = due
      due = undefined
      if (last !== undefined) pass(last.value)
    })
  }
}
