package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
)

const (
	retryEvery     = time.Second
	longestBackOff = 30 * time.Second
)

// errNotStarted is a container that was made, and whose program could not be started: an exit, by the kubelet's rules.
type errNotStarted struct{ error }

// runUntilItSucceeds runs an init container as often as the pod's policy allows.
func (c *container) runUntilItSucceeds(ctx context.Context) bool {
	code := c.runAgainWhile(ctx, func(code int32) bool { return code != 0 && c.worker.pod.Spec.RestartPolicy != v1.RestartPolicyNever })
	return code == 0 && !c.isStopping()
}

func (c *container) runByPolicy(ctx context.Context) {
	c.runAgainWhile(ctx, func(code int32) bool {
		if c.sidecar() {
			return true
		}
		policy := c.worker.pod.Spec.RestartPolicy
		return policy == v1.RestartPolicyAlways || policy == v1.RestartPolicyOnFailure && code != 0
	})
}

func (c *container) runAgainWhile(ctx context.Context, again func(code int32) bool) int32 {
	backOff := retryEvery
	if c.ranBefore {
		c.countRestart()
	}
	for {
		began := time.Now()
		code, made := c.runOnce()
		if ctx.Err() != nil || c.isStopping() || made && !again(code) {
			return code
		}
		if time.Since(began) > longestBackOff {
			backOff = retryEvery
		}
		if made {
			c.waits("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
				backOff, c.spec.Name, c.worker.pod.Name, c.worker.pod.Namespace, c.worker.pod.UID))
		}
		sleep(ctx, backOff)
		backOff = min(2*backOff, longestBackOff)
		if made {
			c.countRestart()
		}
	}
}

func (c *container) countRestart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts++
}

// runOnce runs the container to its exit. What keeps it from being made at all is no exit, and is tried again whatever the policy.
func (c *container) runOnce() (code int32, made bool) {
	// RFC 2606 reserves .invalid: an image from there is one nobody can ever pull.
	if registry, _, _ := strings.Cut(c.spec.Image, "/"); strings.HasSuffix(registry, ".invalid") {
		c.waits("ErrImagePull", fmt.Sprintf("failed to pull image %q: no such host", c.spec.Image))
		return -1, false
	}
	running, err := c.start()
	var notStarted errNotStarted
	switch {
	case errors.As(err, &notStarted):
		c.ended(128, "StartError", notStarted.Error())
		return 128, true
	case err != nil:
		c.waits("CreateContainerError", err.Error())
		return -1, false
	}
	if c.spec.ReadinessProbe != nil {
		go c.probe(running)
	}
	code = running.wait()
	if c.worker.pod.Spec.HostPID {
		running.kill() // what it left behind; elsewhere the kernel ends a PID namespace with its first process
	}
	_, written, _ := c.live()
	written.close()
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	c.mu.Lock()
	c.process = nil
	c.mu.Unlock()
	c.ended(code, reason, c.lastWords(code))
	return code, true
}

// stop ends the container for good: TERM, and KILL when the grace is over or the pod's object is gone.
func (c *container) stop(grace time.Duration) {
	c.mu.Lock()
	c.stopping = true
	running, adopted := c.process, c.process == nil && c.state.Running != nil
	c.mu.Unlock()
	if adopted {
		c.ended(0, "Completed", "")
	}
	if running == nil {
		return
	}
	if grace > 0 {
		_ = running.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-running.done:
			return
		case <-c.worker.vanished:
		case <-time.After(grace):
		}
	}
	running.kill()
	<-running.done
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
