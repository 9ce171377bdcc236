import { adapters } from '@gridseal/bridge/protocols'
import { UsageError } from '@gridseal/wire'
import type { InspectOptions } from '../inspect/inspect-file.ts'
import { inspectFile } from '../inspect/inspect-file.ts'
import { standardOutput } from '../inspect/line-writer.ts'
import { EXIT, complain } from '../output.ts'

/** Prints one record per protocol data unit of each capture. */
export async function inspect(files: readonly string[], options: InspectOptions): Promise<number> {
  if (options.protocol !== undefined && !adapters().some((adapter) => adapter.protocol === options.protocol)) {
    const names = adapters().map((adapter) => adapter.protocol)
    throw new UsageError('inspect.protocol', `no protocol "${options.protocol}"; there are ${names.join(', ')}`)
  }
  for (const file of files) {
    const { problems, missing, noise } = await inspectFile(file, options, standardOutput)
    for (const { packet, reason } of problems) complain(`${file}: packet ${packet ?? '–'}: ${reason}`)
    if (missing > 0) complain(`${file}: ${missing} bytes of TCP streams were not captured`)
    if (noise > 0) complain(`${file}: ${noise} bytes belong to no frame`)
  }
  return EXIT.ok
}
