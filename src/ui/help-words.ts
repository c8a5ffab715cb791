import { exitCodes } from '../exit-codes.ts'
import type { HelpWords } from './help-text.ts'

const ok = [exitCodes.ok, 'done, or nothing to change'] as const
const failure = [exitCodes.failure, 'failed'] as const
const usage = [exitCodes.usage, 'the command line or the file is wrong; nothing was written'] as const
const refused = [exitCodes.refused, 'preflight or proof refused; nothing was written'] as const
const rolledBack = [exitCodes.rolledBack, 'applied, then rolled back: the cluster is as it was'] as const
const incomplete = [exitCodes.rollbackIncomplete, 'a rollback could not finish; what is left is printed'] as const
const unreachable = [exitCodes.unreachable, 'the cluster does not answer, or does not let you'] as const
const busy = [exitCodes.busy, 'another operator is at work'] as const
const interrupted = [exitCodes.interrupted, 'Ctrl-C, or a change you left on trial'] as const
const running = [ok, failure, usage, refused, rolledBack, incomplete, unreachable, busy, interrupted]

/** What each command's help says besides its flags, by the command's name. */
export const helpWords: Readonly<Record<string, HelpWords>> = {
  'calico-fw': {
    more: 'Docs: https://github.com/calico-fw/kubectl-calico-fw/tree/main/docs; locked out: docs/locked-out.md, or kubectl calico-fw rescue --help.',
    examples: [
      'kubectl calico-fw demo                   # see it work; touches nothing',
      'kubectl calico-fw init                   # the wizard: asks, shows, tries',
      'kubectl calico-fw apply -f firewall.yaml # the same from a file',
      'kubectl calico-fw status                 # where the cluster stands',
      'kubectl calico-fw rollback               # undo the last change',
      'kubectl calico-fw open                   # open everything, now',
    ],
    exitCodes: running,
  },
  init: {
    more: 'Closes nothing without a way back: what it closes opens by itself unless every probe is green and you keep it. init -f FILE is apply -f FILE with the survey of the cluster shown first.',
    examples: [
      'kubectl calico-fw init',
      'kubectl calico-fw init --dry-run=server',
      'kubectl calico-fw init -f firewall.yaml --yes',
      'kubectl calico-fw init --interface ens160 --vip 192.168.218.180:443/tcp \\',
      '    --failsafe 7443/tcp --node-ports close',
      'kubectl calico-fw init --open 31110/tcp@192.168.218.53/32',
    ],
    exitCodes: running,
  },
  plan: {
    examples: ['kubectl calico-fw plan', 'kubectl calico-fw plan -f firewall.yaml', 'kubectl calico-fw plan -f firewall.yaml -o json'],
    exitCodes: [
      [exitCodes.ok, 'the cluster is as the firewall wants it'],
      [exitCodes.failure, 'there are differences, or it failed'],
      usage,
      refused,
      unreachable,
    ],
  },
  audit: {
    more: 'Reads every node’s table of connections (by exec in calico-node) again and again, for a minute or as long as --for says, and judges each connection that comes in by the model of Felix that the proof uses.',
    examples: ['kubectl calico-fw audit -f firewall.yaml --for 10m', 'kubectl calico-fw audit -f firewall.yaml --for 60m -o json > audit.json'],
    exitCodes: [
      [exitCodes.ok, 'no connection that was seen would be cut'],
      [exitCodes.failure, 'some would be, or it failed'],
      usage,
      refused,
      unreachable,
    ],
  },
  apply: {
    more: 'What only opens is written and probed; what closes runs on trial, as in init, until it is kept.',
    examples: [
      'kubectl calico-fw apply -f firewall.yaml',
      'kubectl calico-fw apply -f firewall.yaml --dry-run',
      'kubectl calico-fw apply -f firewall.yaml --yes',
    ],
    exitCodes: running,
  },
  adopt: {
    more: 'Reads the HostEndpoints of others and the policies that govern them into a file, shows which packets are treated differently, and tries it before theirs. Theirs stay until you keep it, and are in force again at once if you do not.',
    examples: [
      'kubectl calico-fw adopt --dry-run > firewall.yaml  # look first',
      'kubectl calico-fw adopt',
      'kubectl calico-fw adopt -f firewall.yaml',
    ],
    exitCodes: running,
  },
  sync: {
    more: 'New nodes are let in first, then closed on trial; what belongs to nodes and addresses that are gone falls away.',
    examples: ['kubectl calico-fw sync', 'kubectl calico-fw sync --dry-run', 'kubectl calico-fw sync --yes'],
    exitCodes: running,
  },
  export: {
    examples: ['kubectl calico-fw export > firewall.yaml'],
    exitCodes: [ok, failure, usage, unreachable],
  },
  render: {
    more: 'Only what was tried and kept is rendered: applied elsewhere it closes at once, without a trial.',
    examples: ['kubectl calico-fw render > calico-fw.yaml'],
    exitCodes: [ok, failure, usage, unreachable],
  },
  'add-vip': {
    more: 'Only opens: one policy more, probed and undone by rollback.',
    examples: [
      'kubectl calico-fw add-vip 192.168.218.181 --port 80/tcp --port 443/tcp',
      'kubectl calico-fw add-vip 192.168.218.174 --port 31110/tcp --from 10.0.0.0/8',
      'kubectl calico-fw add-vip 192.168.218.189 --port 7443/tcp --failsafe',
      'kubectl calico-fw add-vip 192.168.218.181 --port 80/tcp -f firewall.yaml',
    ],
    exitCodes: running,
  },
  rollback: {
    more: 'Any change can be gone back to, also one that was taken back. What closes again closes on trial; what only opens just opens.',
    examples: [
      'kubectl calico-fw rollback             # undo the last change',
      'kubectl calico-fw rollback --to 3      # as it was after change 3',
      'kubectl calico-fw rollback --to 0      # as before this tool came',
    ],
    exitCodes: running,
  },
  status: {
    examples: ['kubectl calico-fw status', 'kubectl calico-fw status -o json'],
    exitCodes: [
      [exitCodes.ok, 'the firewall is kept, or there is none'],
      [exitCodes.failure, 'something waits for you: a change on trial or not kept, an opened cluster, an interface that is not closed'],
      usage,
      unreachable,
    ],
  },
  history: {
    more: 'Reads the checkpoints in the cluster, and those on this machine of changes the cluster keeps nothing of any more. Each names the one before it by its hash.',
    examples: [
      'kubectl calico-fw history',
      'kubectl calico-fw history 3',
      'kubectl calico-fw history 3 --bundle --redact > change-3.yaml',
      'kubectl calico-fw history -o json',
    ],
    exitCodes: [ok, [exitCodes.failure, 'the chain of checkpoints is broken, or it failed'], usage, unreachable],
  },
  doctor: {
    examples: ['kubectl calico-fw doctor', 'kubectl calico-fw doctor -o json'],
    exitCodes: [
      [exitCodes.ok, 'every check is well'],
      [exitCodes.failure, 'warnings, or it failed'],
      usage,
      [exitCodes.refused, 'a check fails: a firewall would be unsafe or refused'],
      unreachable,
    ],
  },
  explain: {
    more: 'Shows every decision on the way, in order: failsafes, policies, Services, profiles. It says what it does not know, and never guesses.',
    examples: [
      'kubectl calico-fw explain 192.168.218.53 ws1:10250/tcp',
      'kubectl calico-fw explain 203.0.113.9 192.168.218.180:443/tcp -f firewall.yaml',
      'kubectl calico-fw explain ws1 ws2:9100/tcp --save-facts facts.json',
      'kubectl calico-fw explain ws1 [fd00:da::b2]:22/tcp --facts facts.json',
    ],
    exitCodes: [[exitCodes.ok, 'explained, whatever the verdict'], failure, usage, unreachable],
  },
  confirm: { examples: ['kubectl calico-fw confirm', 'kubectl calico-fw confirm --yes'], exitCodes: running },
  open: {
    more: 'Needs no lock and no question. One write, and nothing is deleted; only where that cannot open, the HostEndpoints of this tool go. sync closes again on trial; rollback undoes the last change; rollback --to 0 takes everything away and stays open.',
    examples: ['kubectl calico-fw open'],
    exitCodes: [ok, failure, usage, incomplete, unreachable],
  },
  rescue: {
    more: 'Asks no cluster: it is for when none answers. The node closes again by itself when the time is over; pods stay behind their own policies.',
    examples: [
      'kubectl calico-fw rescue | ssh root@ws1 sh -s',
      "kubectl calico-fw rescue --execute 'ssh root@ws1'",
      "kubectl calico-fw rescue --execute 'ssh admin@ws1 sudo' --for 30m",
    ],
    exitCodes: [[exitCodes.ok, 'printed, or the node is open'], failure, usage, interrupted],
  },
  demo: {
    examples: [
      'kubectl calico-fw demo',
      'kubectl calico-fw demo --scenario lockout  # a probe fails: it opens again',
      'kubectl calico-fw demo --scenario crash    # this program dies: it opens',
    ],
    exitCodes: [[exitCodes.ok, 'the story ended as it should'], failure, usage, interrupted],
  },
  version: { examples: ['kubectl calico-fw version', 'kubectl calico-fw version -o json'], exitCodes: [ok, usage] },
  completion: {
    examples: ['kubectl calico-fw completion > ~/.local/bin/kubectl_complete-calico_fw', 'chmod +x ~/.local/bin/kubectl_complete-calico_fw'],
    exitCodes: [ok, usage],
  },
}
