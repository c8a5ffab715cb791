package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
)

func (k *kubelet) servePortForward(w http.ResponseWriter, r *http.Request) {
	worker := k.pods.named(r.PathValue("namespace"), r.PathValue("pod"))
	if uid := r.PathValue("uid"); worker == nil || uid != "" && worker.current().UID != types.UID(uid) {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod := worker.current()
	portforward.ServePortForward(w, r, forwarder{pod}, pod.Name, string(pod.UID), options, streamsIdleFor, streamsCreatedIn, portforward.SupportedProtocols)
}

type forwarder struct{ pod *v1.Pod }

// PortForward connects to the pod's loopback, as container runtimes do; IPv6's if nobody is on IPv4's.
func (f forwarder) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	if !f.pod.Spec.HostNetwork {
		return fmt.Errorf("pod %s has a network of its own: the lab forwards only to host-networked pods", f.pod.Name)
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		var second error
		if connection, second = dialer.DialContext(ctx, "tcp", net.JoinHostPort("::1", strconv.Itoa(int(port)))); second != nil {
			return err
		}
	}
	defer connection.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := io.Copy(stream, connection)
		answered <- err
	}()
	go func() {
		_, _ = io.Copy(connection, stream)
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	return <-answered
}
