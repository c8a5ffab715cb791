package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probe keeps a container's readiness while it runs.
func (c *container) probe(running *process) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-running.done
		cancel()
	}()
	declared := c.spec.ReadinessProbe
	sleep(ctx, time.Duration(declared.InitialDelaySeconds)*time.Second)
	c.probeAs(ctx, declared, 10*time.Second)
}

// probeAs asks until ctx ends. Thresholds are the probe's; so is the period, if it has one.
func (c *container) probeAs(ctx context.Context, declared *v1.Probe, every time.Duration) {
	if declared.PeriodSeconds > 0 {
		every = time.Duration(declared.PeriodSeconds) * time.Second
	}
	needs := map[bool]int32{true: cmp.Or(declared.SuccessThreshold, 1), false: cmp.Or(declared.FailureThreshold, 1)}
	last, inRow := false, int32(0)
	for ctx.Err() == nil {
		answer := c.answers(ctx, declared)
		if answer != last {
			last, inRow = answer, 0
		}
		inRow++
		if inRow >= needs[answer] && c.setReady(answer) {
			c.worker.touch()
		}
		sleep(ctx, every)
	}
}

func (c *container) answers(ctx context.Context, declared *v1.Probe) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(cmp.Or(declared.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	switch {
	case declared.HTTPGet != nil:
		return c.answersHTTP(ctx, declared.HTTPGet)
	case declared.TCPSocket != nil:
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.address(declared.TCPSocket.Host, declared.TCPSocket.Port))
		if err == nil {
			connection.Close()
		}
		return err == nil
	case declared.Exec != nil:
		command, err := c.inside(declared.Exec.Command)
		if err != nil {
			return false
		}
		p, err := startProcess(command, false, false, nil, nil)
		if err != nil {
			return false
		}
		stop := context.AfterFunc(ctx, p.kill)
		defer stop()
		return p.wait() == 0
	}
	return false
}

var probeClient = &http.Client{Transport: &http.Transport{
	DisableKeepAlives: true,
	TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // as the kubelet does: a probe asks whether somebody answers, not who
}}

func (c *container) answersHTTP(ctx context.Context, action *v1.HTTPGetAction) bool {
	url := action.Path
	if !strings.Contains(url, "://") {
		url = strings.ToLower(cmp.Or(string(action.Scheme), "http")) + "://" + c.address(action.Host, action.Port) + "/" + strings.TrimPrefix(action.Path, "/")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	for _, header := range action.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
	}
	response, err := probeClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode >= 200 && response.StatusCode < 400
}

func (c *container) address(host string, port intstr.IntOrString) string {
	number := port.IntValue()
	for _, named := range c.spec.Ports {
		if port.Type == intstr.String && named.Name == port.StrVal {
			number = int(named.ContainerPort)
		}
	}
	return net.JoinHostPort(cmp.Or(host, c.worker.ips()[0]), strconv.Itoa(number))
}
