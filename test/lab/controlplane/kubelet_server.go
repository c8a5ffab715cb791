package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// listen opens the kubelet's port on every InternalIP: not on the loopback, so that whoever asks crosses the node's firewall.
func (k *kubelet) listen() ([]net.Listener, error) {
	authorities := x509.NewCertPool()
	bundle, err := os.ReadFile(k.clientCA)
	if err != nil {
		return nil, err
	}
	if !authorities.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%s holds no certificate", k.clientCA)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientCAs:  authorities,
		ClientAuth: tls.VerifyClientCertIfGiven,
		// Read anew for each handshake, so that a test can replace them under a running node.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
			return &pair, err
		},
	}
	var listeners []net.Listener
	for _, ip := range k.ips {
		listener, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(k.port)))
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, tls.NewListener(listener, config))
	}
	return listeners, nil
}

func (k *kubelet) serve(ctx context.Context, listeners []net.Listener) error {
	server := &http.Server{Handler: authenticated(k.routes()), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	ended := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { ended <- server.Serve(listener) }()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (k *kubelet) routes() *http.ServeMux {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	routes.HandleFunc("GET /pods", k.servePods)
	routes.HandleFunc("GET /stats/summary", k.serveStats)
	routes.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	// With and without the pod's UID, by GET (WebSocket) and POST (SPDY).
	for _, pod := range []string{"{namespace}/{pod}", "{namespace}/{pod}/{uid}"} {
		routes.HandleFunc("/exec/"+pod+"/{container}", k.serveExec)
		routes.HandleFunc("/attach/"+pod+"/{container}", k.serveAttach)
		routes.HandleFunc("/portForward/"+pod, k.servePortForward)
	}
	return routes
}

// authenticated lets in whoever holds a certificate of the client CA; like a real kubelet without anonymous access it has nothing to say to anyone else.
func authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
