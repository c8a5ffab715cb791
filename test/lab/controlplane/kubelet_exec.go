package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	streamsIdleFor   = 4 * time.Hour
	streamsCreatedIn = 30 * time.Second
)

// session is one exec or attach, in the form the CRI's streaming server asks for.
type session struct{ container *container }

func (k *kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	c, options := k.sessionOf(w, r)
	if c == nil {
		return
	}
	remotecommand.ServeExec(w, r, session{c}, r.PathValue("pod"), r.PathValue("uid"), c.spec.Name, r.URL.Query()["command"], options,
		streamsIdleFor, streamsCreatedIn, remotecommand.SupportedStreamingProtocols)
}

func (k *kubelet) serveAttach(w http.ResponseWriter, r *http.Request) {
	c, options := k.sessionOf(w, r)
	if c == nil {
		return
	}
	if p, _, _ := c.live(); p == nil {
		http.Error(w, "the kubelet did not start container "+c.spec.Name+": it cannot be attached to", http.StatusBadRequest)
		return
	}
	remotecommand.ServeAttach(w, r, session{c}, r.PathValue("pod"), r.PathValue("uid"), c.spec.Name, options,
		streamsIdleFor, streamsCreatedIn, remotecommand.SupportedStreamingProtocols)
}

// sessionOf finds the running container a request is for, or answers it.
func (k *kubelet) sessionOf(w http.ResponseWriter, r *http.Request) (*container, *remotecommand.Options) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, nil
	}
	c := k.containerOf(w, r)
	if c == nil {
		return nil, nil
	}
	if _, _, running := c.live(); !running {
		http.Error(w, fmt.Sprintf("container not found (%q)", c.spec.Name), http.StatusInternalServerError) // the real kubelet's words
		return nil, nil
	}
	return c, options
}

func (k *kubelet) containerOf(w http.ResponseWriter, r *http.Request) *container {
	worker := k.pods.named(r.PathValue("namespace"), r.PathValue("pod"))
	if uid := r.PathValue("uid"); worker == nil || uid != "" && worker.current().UID != types.UID(uid) {
		http.Error(w, fmt.Sprintf("pod %q does not exist", r.PathValue("pod")), http.StatusNotFound)
		return nil
	}
	for _, c := range worker.containers {
		if c.spec.Name == r.PathValue("container") {
			return c
		}
	}
	http.Error(w, fmt.Sprintf("container %q not found in pod %q", r.PathValue("container"), r.PathValue("pod")), http.StatusNotFound)
	return nil
}

func (s session) ExecInContainer(_ context.Context, _, _, _ string, argv []string, in io.Reader, out, errOut io.WriteCloser, tty bool, sizes <-chan remotecommand.TerminalSize, _ time.Duration) error {
	command, err := s.container.inside(argv)
	if err != nil {
		return err
	}
	p, err := startProcess(command, in != nil, tty, writerOrNil(out), writerOrNil(errOut))
	if err != nil {
		return err
	}
	go p.follow(sizes)
	if in != nil {
		go func() {
			_, _ = io.Copy(p.stdin, in)
			if !tty {
				p.stdin.Close()
			}
		}()
	}
	if code := p.wait(); code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("exit status %d", code), Code: int(code)}
	}
	return nil
}

// inside is a command as the container sees the node: the sandbox itself for a process that is not ours, with the network
// of a harness's pod where its namespace is known, else in the container's own mounts and processes.
func (c *container) inside(argv []string) (*exec.Cmd, error) {
	env, err := c.variables()
	if err != nil {
		return nil, err
	}
	if len(argv) == 0 {
		return nil, fmt.Errorf("no command")
	}
	program, err := lookPath(argv[0], env["PATH"])
	if err != nil {
		return nil, err
	}
	argv = append([]string{program}, argv[1:]...)
	running, _, _ := c.live()
	pod := c.worker.current()
	switch {
	case running != nil:
		enter := []string{"nsenter", "--target=" + strconv.Itoa(running.command.Process.Pid), "--mount"}
		if !pod.Spec.HostPID {
			enter = append(enter, "--pid")
		}
		argv = append(append(enter, "--"), c.confined(argv)...)
	case !pod.Spec.HostNetwork:
		namespace := pod.Annotations[podNetworkNamespace]
		if namespace == "" {
			return nil, fmt.Errorf("pod %s has a network of its own: annotate it with %s=PATH to exec there", pod.Name, podNetworkNamespace)
		}
		argv = append([]string{"nsenter", "--net=" + namespace, "--"}, argv...)
	}
	command := exec.Command(argv[0], argv[1:]...)
	command.Env, command.Dir = c.environment(), "/"
	return command, nil
}

// AttachContainer returns when the container has ended or the client is gone.
func (s session) AttachContainer(_ context.Context, _, _, _ string, in io.Reader, out, errOut io.WriteCloser, _ bool, sizes <-chan remotecommand.TerminalSize) error {
	p, written, _ := s.container.live()
	if p == nil {
		return fmt.Errorf("container %s has ended", s.container.spec.Name)
	}
	client := written.attach(writerOrNil(out), writerOrNil(errOut))
	defer written.detach(client)
	go p.follow(sizes)
	if in != nil && p.stdin != nil {
		go func() {
			_, _ = io.Copy(p.stdin, in)
			if s.container.spec.StdinOnce && p.terminal == nil {
				p.stdin.Close()
			}
		}()
	}
	select {
	case <-p.done:
	case <-client.gone:
	}
	return nil
}

// writerOrNil keeps an absent stream an absent Writer, which exec.Cmd takes for /dev/null.
func writerOrNil(stream io.WriteCloser) io.Writer {
	if stream == nil {
		return nil
	}
	return stream
}
