import { HSR_TAG, VLAN_TAGS } from '@gridseal/wire'

/** One instruction of a classic BPF program: code, jumps if true and if false, constant. */
export type BpfInstruction = readonly [code: number, whenTrue: number, whenFalse: number, k: number]

const LOAD_HALF_WORD = 0x28
const JUMP_IF_EQUAL = 0x15
const RETURN = 0x06
const WHOLE_FRAME = 0x4_0000
/** VLAN tags behind the one that Linux has taken off already. */
const MOST_TAGS = 2

type Step =
  | { readonly label: string }
  | { readonly load: number }
  /** Otherwise the next step, or `otherwise`. */
  | { readonly equal: number; readonly to: string; readonly otherwise?: string }
  | { readonly give: number }

/**
 * The filter by which the kernel hands over only frames of one EtherType, so that a busy network costs nothing. The
 * EtherType may stand behind VLAN tags and an HSR tag.
 */
export function etherTypeFilter(etherType: number): BpfInstruction[] {
  const steps: Step[] = []
  for (let tag = 0; tag <= MOST_TAGS; tag++) {
    const at = 12 + 4 * tag
    const more = tag < MOST_TAGS ? [...VLAN_TAGS] : []
    steps.push({ label: `tag ${tag}` }, { load: at }, { equal: etherType, to: 'accept' })
    for (const vlan of more) steps.push({ equal: vlan, to: `tag ${tag + 1}` })
    steps.push({ equal: HSR_TAG, to: `hsr ${tag}`, otherwise: 'refuse' })
    steps.push({ label: `hsr ${tag}` }, { load: at + 6 }, { equal: etherType, to: 'accept', otherwise: 'refuse' })
  }
  steps.push({ label: 'accept' }, { give: WHOLE_FRAME }, { label: 'refuse' }, { give: 0 })
  return assemble(steps)
}

/** Jumps go forward only, and count the instructions between. */
function assemble(steps: readonly Step[]): BpfInstruction[] {
  const places = new Map<string, number>()
  let count = 0
  for (const step of steps) {
    if ('label' in step) places.set(step.label, count)
    else count++
  }
  const program: BpfInstruction[] = []
  for (const step of steps) {
    const distance = (label: string): number => places.get(label)! - program.length - 1
    if ('load' in step) program.push([LOAD_HALF_WORD, 0, 0, step.load])
    else if ('give' in step) program.push([RETURN, 0, 0, step.give])
    else if ('equal' in step) {
      const { equal, to, otherwise } = step
      program.push([JUMP_IF_EQUAL, distance(to), otherwise === undefined ? 0 : distance(otherwise), equal])
    }
  }
  return program
}
