import type { PointOptions } from '@gridseal/dnp3'

/** `count` analog inputs with default variations. */
export function analogs(count: number): PointOptions[] {
  return Array.from({ length: count }, (_, index): PointOptions => ({
    kind: 'analog-input',
    index,
    value: index * 3,
    class: 2,
  }))
}
