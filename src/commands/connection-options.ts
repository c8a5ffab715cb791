import { type Command, Option } from 'commander'
import { collect } from './collect.ts'

/** kubectl's own connection flags: it passes a plugin none, and refuses them before the plugin's name. */
export const withConnection = (command: Command): Command => {
  const heading = 'Connection, as in kubectl'
  const options = [
    new Option('--kubeconfig <FILE>', 'the kubeconfig, instead of KUBECONFIG and ~/.kube/config'),
    new Option('--context <NAME>', 'the context, instead of the current one'),
    new Option('--cluster <NAME>', 'the cluster of the kubeconfig'),
    new Option('--user <NAME>', 'the user of the kubeconfig'),
    new Option('-n, --namespace <NAME>', 'accepted and ignored: this tool works on the whole cluster'),
    new Option('-s, --server <URL>', 'the API server'),
    new Option('--token <TOKEN>', 'a bearer token'),
    new Option('--certificate-authority <FILE>', 'whose certificates to trust'),
    new Option('--client-certificate <FILE>', 'the client certificate'),
    new Option('--client-key <FILE>', 'its key'),
    new Option('--tls-server-name <NAME>', "the name the server's certificate must carry"),
    new Option('--insecure-skip-tls-verify', "do not check the server's certificate"),
    new Option('--as <USER>', 'act as this user'),
    new Option('--as-group <GROUP>', 'and in this group; repeatable').argParser(collect),
    new Option('--as-uid <UID>', 'and with this uid'),
    new Option('--as-user-extra <KEY=VALUE>', 'and with this extra; repeatable').argParser(collect),
    new Option('--request-timeout <TIME>', 'how long one request may take, as 30s'),
    new Option('-v, --v <LEVEL>', '6 and above: print every request on stderr'),
    new Option('--no-color', 'no colours, as with NO_COLOR=1'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}
