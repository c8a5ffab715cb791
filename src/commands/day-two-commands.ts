import { type Command, Option } from 'commander'
import { collect } from './collect.ts'
import { consentFlags, windowOption, withConsent, yesOption } from './firewall-options.ts'
import { parseChange, parseHistory, parseOutput, parseRescueTime } from './flags.ts'
import type { Parsed } from './parsed.ts'
import { outputOption, type Tree } from './tree.ts'
import { orWayOut } from './way-out.ts'

/** The commands for a firewall in force: one more opening, the way back, what it does, and the emergency exits. */
export const addDayTwoCommands = (tree: Tree): void => {
  for (const join of [addVip, addRollback, addStatus, addHistory, addDoctor, addExplain, addConfirm, addOpen, addRescue]) join(tree)
}

const addVip = ({ add, dataFlags, onCluster }: Tree): void => {
  withConsent(dataFlags(add('add-vip', 'open one more address')), 'do not ask')
    .argument('<ip>', 'the address, a VIP or a node')
    .usage('IP --port PORT/PROTO... [flags]')
    .requiredOption('--port <PORT/PROTO>', 'what to open there, as 80/tcp or 30000-30010/udp; repeatable', collect)
    .option('--from <CIDR>', 'to whom; everyone without it; repeatable', collect)
    .option('--name <NAME>', 'name of the entry and its policy; made from the address without it')
    .option('--failsafe', 'also add the ports to the failsafes: open on every node, to everyone, whatever happens')
    .option('-f, --filename <FILE>', 'also add the entry to this file, comments kept')
    .action(
      onCluster(async (session, flags, [address = '']) => {
        const { run } = await import('./add-vip.ts')
        return run(session, {
          address,
          ports: flags.port ?? [],
          from: flags.from ?? [],
          failsafe: flags.failsafe === true,
          ...consentFlags(flags),
          ...(flags.name === undefined ? {} : { name: flags.name }),
          ...(flags.filename === undefined ? {} : { filename: flags.filename }),
        })
      }),
    )
}

const addRollback = ({ add, dataFlags, onCluster }: Tree): void => {
  dataFlags(add('rollback', 'go back to an earlier state, and prove it'))
    .option('--to <N>', 'the change to go back to; 0 is before the first; without it the last change is undone', (text) => parseChange(text))
    .addOption(yesOption('do not ask'))
    .addOption(windowOption())
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./rollback.ts')
        const to = flags.to === undefined ? {} : { to: flags.to }
        return orWayOut(run(session, { ...to, yes: flags.yes === true, windowSeconds: flags.window }))
      }),
    )
}

const addStatus = ({ add, dataFlags, onCluster }: Tree): void => {
  dataFlags(add('status', 'tell what is in force, what is on trial, and what happens next')).action(
    onCluster(async (session) => {
      const { run } = await import('./status.ts')
      return orWayOut(run(session))
    }),
  )
}

const addHistory = ({ add, dataFlags, onCluster }: Tree): void => {
  dataFlags(add('history', 'list the changes of this tool, or tell one step by step'))
    .argument('[change]', 'the number of a change')
    .usage('[CHANGE] [flags]')
    .option('--bundle', 'print all that is kept of that change, as one document')
    .option('--redact', 'in the bundle, hide addresses and who made the change')
    .action(
      onCluster(
        async (session, flags, [change]) => (await import('./history.ts')).run(session, parseHistory(change, flags)),
        (flags, [change]) => parseHistory(change, flags),
      ),
    )
}

const addDoctor = ({ add, dataFlags, onCluster }: Tree): void => {
  dataFlags(add('doctor', 'look for what would make a firewall unsafe or fail; change nothing')).action(
    onCluster(async (session) => {
      const { run } = await import('./doctor.ts')
      return run(session)
    }),
  )
}

const addExplain = ({ add, dataFlags, onCluster, context, done }: Tree): void => {
  dataFlags(add('explain', 'tell what happens to one connection, and which rule decides'))
    .argument('<source>', 'an address or a node')
    .argument('<destination>', 'an address or a node, with port and protocol')
    .usage('SOURCE DESTINATION:PORT/PROTO [flags]')
    .option('--via <NODE>', 'the node a packet from outside comes in by, where its destination does not say')
    .option('--established', 'a connection that stood before anything was written, instead of a new one')
    .option('-f, --filename <FILE>', 'also with this firewall in force, or with these Calico objects written')
    .option('--facts <FILE>', 'from facts saved before; no cluster is asked')
    .option('--save-facts <FILE>', 'save what was found, for --facts')
    .action(async (...parameters: unknown[]) => {
      const command = parameters.at(-1) as Command
      const { facts, output, ...flags } = command.opts<Parsed>()
      const options = { flow: command.args, ...flags }
      if (facts === undefined)
        return onCluster(
          async (session) => (await import('./explain.ts')).run(session, options),
          async (_, [, target = '']) => (await import('./parse-flow.ts')).destinationOf(target),
        )(...parameters)
      const { runOffline } = await import('./explain.ts')
      done(await runOffline(context, parseOutput(output), { ...options, facts }))
    })
}

const addConfirm = ({ add, dataFlags, onCluster }: Tree): void => {
  withConsent(dataFlags(add('confirm', 'keep a change that was left on trial')), 'do not ask; the probes decide').action(
    onCluster(async (session, flags) => {
      const { run } = await import('./confirm.ts')
      return orWayOut(run(session, consentFlags(flags)))
    }),
  )
}

const addOpen = ({ add, dataFlags, onCluster }: Tree): void => {
  dataFlags(add('open', 'open every node at once, with one write: the emergency exit')).action(
    onCluster(async (session) => {
      const { run } = await import('./open.ts')
      return orWayOut(run(session))
    }),
  )
}

const addRescue = ({ add, acting, context }: Tree): void => {
  add('rescue', 'print a script that opens one node without the API, or run it there')
    .option('--execute <COMMAND>', 'run it through this command, which signs in to the node as root: "ssh root@ws1"')
    .addOption(new Option('--for <TIME>', 'how long the node is held open, as 30m; 10m without it').default(600, '10m').argParser(parseRescueTime))
    .addOption(outputOption())
    .action(
      acting(async (flags) => {
        const { run } = await import('./rescue.ts')
        return run(context, parseOutput(flags.output), { seconds: flags.for, ...(flags.execute === undefined ? {} : { execute: flags.execute }) })
      }),
    )
}
