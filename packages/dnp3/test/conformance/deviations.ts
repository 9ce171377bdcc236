/** Where our outstation says something else than the recorded one, or says it elsewhere, and by which clause. */
export interface Deviation {
  readonly procedure: string
  readonly steps: readonly string[]
  /** Lines of the meaning that ours has and the recorded one does not, and the other way round. */
  readonly ours: readonly string[]
  readonly recorded: readonly string[]
  /** IEEE 1815-2012, by clause and subject; the text was not at hand for the numbers below that. */
  readonly clause: string
  readonly why: string
}

const CLASS_1 = ['CLASS_1_EVENTS']

/** An answer that the test tool did not read: the recording goes on without it. */
export const UNREAD: Readonly<Record<string, string>> = {
  '8.2.5.2.1':
    'DIRECT_OPERATE is answered (clause 4, function codes); the tool looked at the outputs only. The captures have the answers.',
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    procedure: '8.9.1.2',
    steps: ['4 to 11'],
    ours: ['g30v2 [ 1024] flags 1, value 4800'],
    recorded: [],
    clause: '4, fragments',
    why: 'A fragment ends where the next object does not fit. Ours has room for one more point in the last but one.',
  },
  {
    procedure: '8.9.1.2',
    steps: ['4 to 11'],
    ours: [],
    recorded: ['g30v2 [ 1024] flags 1, value 4800'],
    clause: '4, fragments',
    why: 'The same point, in the fragment after.',
  },
  {
    procedure: '8.15.2',
    steps: ['32'],
    ours: CLASS_1,
    recorded: [],
    clause: '4, internal indications (IIN1.1)',
    why: 'Events whose response was not confirmed are unreported again as soon as the next request gives that response up. The recorded device says so only one response later.',
  },
  {
    procedure: '8.16.2.2.2',
    steps: ['2', '4', '8 to 11'],
    ours: CLASS_1,
    recorded: [],
    clause: '11, frozen counter events',
    why: 'Every freeze gives a frozen counter event. The recorded device gives one only if the frozen value has changed.',
  },
  {
    procedure: '8.16.2.2.4',
    steps: ['4', '8 to 11'],
    ours: CLASS_1,
    recorded: [],
    clause: '11, frozen counter events',
    why: 'As 8.16.2.2.2.',
  },
]
