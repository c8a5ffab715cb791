import { isOurs } from '../calico/names.ts'
import { formatRef, refOf } from '../calico/object.ts'
import { manifestWriterOf } from '../firewall/objects/manifest-writer.ts'
import { type Check, warning } from './check.ts'

/** Who else has a hand on the objects this tool writes. */
export const ownerChecks: readonly Check[] = [
  {
    id: 'FW-D751',
    category: 'owners',
    title: 'nobody writes FelixConfiguration default back',
    look: ({ felixConfigurations }) =>
      felixConfigurations
        .filter(({ metadata }) => metadata.name === 'default')
        .flatMap((one) => manifestWriterOf(one) ?? [])
        .map(({ name, source }) =>
          warning(
            `${name} keeps FelixConfiguration default (${source}): failsafes added here may vanish, and every edit restarts every Felix`,
            'put the failsafes into that source too',
          ),
        ),
  },
  {
    id: 'FW-D752',
    category: 'owners',
    title: 'nobody else writes objects of this tool',
    look: ({ own }) =>
      own
        .filter(isOurs)
        .flatMap((object) => {
          const writer = manifestWriterOf(object)
          return writer === undefined ? [] : [{ object, writer }]
        })
        .map(({ object, writer }) =>
          warning(
            `${writer.name} keeps ${formatRef(refOf(object))} (${writer.source}): an old copy may come back`,
            'take it out of that source: kubectl calico-fw keeps its own file in the cluster',
          ),
        ),
  },
]
