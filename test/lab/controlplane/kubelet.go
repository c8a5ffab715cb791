// The fake kubelet: a node's agent whose containers are plain processes. Start one inside each node's sandbox (its network, mount and UTS namespaces):
//
//	fake-kubelet --node NAME --ips IP[,IP6] --client-ca FILE --tls-cert FILE --tls-key FILE --kubeconfig FILE
//	    [--port 10250] [--pod-cidrs CIDR[,CIDR6]] [--label K=V]... [--annotation K=V]... [--felix-log FILE]
//	    [--felix-ready http://localhost:9099/readiness] [--probe-every 1s] [--root-dir /run/lab-kubelet/NAME] [--lease-duration 40s] [--heartbeat 10s]
//
// The certificate carries the IPs; the kubeconfig is system:node:NAME of group system:nodes; any client certificate of the CA may use the port, so give
// the API server --kubelet-client-certificate and --kubelet-preferred-address-types=InternalIP. PATH is what containers and exec see; sh, mount, cp,
// nsenter, setpriv and tail must be on it. TERM or KILL of the kubelet ends the containers; what a shell
// of an exec or of a hostPID pod started may stay, in the kubelet's session.
//
//	hostNetwork pod                  its command runs here, with the user and capabilities its security contexts leave it; images (but for those of
//	                                 .invalid, which cannot be pulled), volumes, resources, liveness and startup probes are ignored, no command is an error
//	  and label k8s-app=calico-node  Felix is its process: Ready as --felix-ready says (period and thresholds of its readinessProbe), exec in the sandbox
//	  and annotation lab/outside     the harness runs its process: always Ready, exec in the sandbox
//	pod with a network of its own    not touched, nor removed once deleted, unless annotation lab/pod-ip=IP[,IP6] says it is the harness's: then Running,
//	                                 Ready, and removed when deleted; with lab/netns=PATH (such as /proc/PID/ns/net) exec enters that network
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/connrotation"
)

// kubeletOptions say which node this is and where its neighbours are.
type kubeletOptions struct {
	node          string
	ips           []string
	port          int
	podCIDRs      []string
	labels        pairs
	annotations   pairs
	clientCA      string
	certFile      string
	keyFile       string
	leaseDuration time.Duration
	heartbeat     time.Duration
	rootDir       string
	felixReady    string
	felixLog      string
	probeEvery    time.Duration
}

// kubelet is a node's agent without a container runtime: the node sandbox it was started in is the machine.
type kubelet struct {
	kubeletOptions
	client *kubernetes.Clientset
	// heartbeats has a short deadline, as a node that cannot reach the API must notice before its Lease runs out.
	heartbeats *kubernetes.Clientset
	hangUp     func()
	pods       *podTable
	started    metav1.Time
}

func fakeKubelet() int {
	options, kubeconfig, err := parseKubeletFlags(os.Args[1:])
	if err != nil {
		return fail(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fail(err)
	}
	k, err := newKubelet(options, config)
	if err != nil {
		return fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := k.run(ctx); err != nil {
		return fail(err)
	}
	return 0
}

func newKubelet(options kubeletOptions, config *rest.Config) (*kubelet, error) {
	dialer := connrotation.NewDialer((&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext)
	config.Dial = dialer.DialContext
	config.QPS, config.Burst = 50, 100
	config.UserAgent = "lab-kubelet"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	quick := rest.CopyConfig(config)
	quick.Timeout = options.leaseDuration / 4
	heartbeats, err := kubernetes.NewForConfig(quick)
	if err != nil {
		return nil, err
	}
	k := &kubelet{kubeletOptions: options, client: client, heartbeats: heartbeats, hangUp: dialer.CloseAll, started: metav1.Now()}
	k.pods = newPodTable(k)
	return k, nil
}

// run serves until ctx ends.
func (k *kubelet) run(ctx context.Context) error {
	served := make(chan error, 1)
	listeners, err := k.listen()
	if err != nil {
		return err
	}
	go func() { served <- k.serve(ctx, listeners) }()
	if err := k.register(ctx); err != nil {
		return nil // asked to stop before the API answered
	}
	go k.reportStatus(ctx)
	go k.renewLease(ctx)
	k.pods.start(ctx)
	defer k.pods.stopAll()
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	return err
}

func parseKubeletFlags(arguments []string) (kubeletOptions, string, error) {
	o := kubeletOptions{labels: pairs{}, annotations: pairs{}}
	flags := flag.NewFlagSet("fake-kubelet", flag.ContinueOnError)
	flags.StringVar(&o.node, "node", "", "name of the Node")
	ips := flags.String("ips", "", "the node's InternalIPs, comma-separated; the port is served on each")
	flags.IntVar(&o.port, "port", 10250, "port of the kubelet API")
	cidrs := flags.String("pod-cidrs", "", "podCIDRs to register a new Node with, comma-separated")
	flags.Var(o.labels, "label", "KEY=VALUE to put on the Node (repeat)")
	flags.Var(o.annotations, "annotation", "KEY=VALUE to put on the Node (repeat)")
	flags.StringVar(&o.clientCA, "client-ca", "", "CA whose client certificates may use the kubelet API")
	flags.StringVar(&o.certFile, "tls-cert", "", "serving certificate")
	flags.StringVar(&o.keyFile, "tls-key", "", "its key")
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server, as system:node:NAME")
	flags.DurationVar(&o.leaseDuration, "lease-duration", 40*time.Second, "how long the node's Lease holds")
	flags.DurationVar(&o.heartbeat, "heartbeat", 10*time.Second, "how often the Lease and the status are renewed")
	flags.StringVar(&o.rootDir, "root-dir", "", "where logs and termination messages are kept (default /run/lab-kubelet/NODE)")
	flags.StringVar(&o.felixReady, "felix-ready", "http://localhost:9099/readiness", "what says whether a calico-node pod is ready")
	flags.StringVar(&o.felixLog, "felix-log", "", "file that is the log of calico-node pods")
	flags.DurationVar(&o.probeEvery, "probe-every", time.Second, "how often Felix is asked, where the pod has no readinessProbe that says it")
	if err := flags.Parse(arguments); err != nil {
		return o, "", err
	}
	if o.rootDir == "" {
		o.rootDir = filepath.Join("/run/lab-kubelet", o.node)
	}
	o.ips, o.podCIDRs = splitList(*ips), splitList(*cidrs)
	for name, value := range map[string]string{"node": o.node, "ips": *ips, "client-ca": o.clientCA, "tls-cert": o.certFile, "tls-key": o.keyFile, "kubeconfig": *kubeconfig} {
		if value == "" {
			return o, "", fmt.Errorf("--%s is required", name)
		}
	}
	return o, *kubeconfig, nil
}

// pairs is a repeatable KEY=VALUE flag.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" {
		return fmt.Errorf("want KEY=VALUE")
	}
	p[key] = value
	return nil
}
