import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCapture } from '@gridseal/pcap'
import { describeEvents, walk } from './describe-event.ts'
import { FIXTURES, FIXTURE_FOLDER } from './fixtures.ts'

// Makes fixtures/pcap again: node -C source packages/pcap/test/support/write-fixtures.ts
mkdirSync(FIXTURE_FOLDER, { recursive: true })
for (const { name, build } of FIXTURES) {
  const bytes = build()
  writeFileSync(join(FIXTURE_FOLDER, name), bytes)
  const events = describeEvents(walk(readCapture(bytes).packets))
  writeFileSync(join(FIXTURE_FOLDER, `${name}.events.txt`), `${events.join('\n')}\n`)
}
