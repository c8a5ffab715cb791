package main

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container is one container of a pod over all its runs.
type container struct {
	worker *podWorker
	spec   v1.Container
	init   bool

	mu       sync.Mutex
	state    v1.ContainerState
	last     v1.ContainerState
	ready    bool
	restarts int32
	// ranBefore is a run under an earlier life of this kubelet; it died with that.
	ranBefore bool
	id        string
	stopping  bool
	process   *process // nil where the process is not ours
	output    *output
}

func newContainer(w *podWorker, spec v1.Container, init bool) *container {
	c := &container{worker: w, spec: spec, init: init}
	c.state.Waiting = &v1.ContainerStateWaiting{Reason: "PodInitializing"}
	if init || len(w.pod.Spec.InitContainers) == 0 {
		c.state.Waiting.Reason = "ContainerCreating"
	}
	for _, known := range slices.Concat(w.pod.Status.InitContainerStatuses, w.pod.Status.ContainerStatuses) {
		if known.Name == spec.Name && known.ContainerID != "" {
			c.restarts, c.ranBefore, c.last = known.RestartCount, true, known.LastTerminationState
			if known.State.Terminated != nil {
				c.last = known.State
			}
		}
	}
	return c
}

// sidecar says whether this is an init container that goes on running beside the others.
func (c *container) sidecar() bool {
	return c.init && c.spec.RestartPolicy != nil && *c.spec.RestartPolicy == v1.ContainerRestartPolicyAlways
}

// waits says why there is no process, which is not an exit.
func (c *container) waits(reason, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Terminated != nil {
		c.last = c.state
	}
	c.state = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
	c.ready = false
	c.worker.touch()
}

// runs begins a run; the caller holds the lock.
func (c *container) runs() {
	if c.state.Terminated != nil {
		c.last = c.state
	}
	c.id = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", c.worker.pod.UID, c.spec.Name, c.restarts)))
	c.state = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.Now()}}
	c.ready = c.spec.ReadinessProbe == nil
	c.worker.touch()
}

// runsOutside adopts a process the kubelet did not start. It is not ready until somebody says so.
func (c *container) runsOutside() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs()
	c.ready = false
}

func (c *container) setReady(ready bool) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Running == nil || c.ready == ready {
		return false
	}
	c.ready = ready
	return true
}

// ended records an exit.
func (c *container) ended(code int32, reason, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := metav1.Now()
	exit := &v1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message, StartedAt: now, FinishedAt: now}
	if c.id != "" {
		exit.ContainerID = "lab://" + c.id
	}
	if code > 128 {
		exit.Signal = code - 128
	}
	if c.state.Running != nil {
		exit.StartedAt = c.state.Running.StartedAt
	}
	c.state = v1.ContainerState{Terminated: exit}
	c.ready = c.init && !c.sidecar() && code == 0
	c.worker.touch()
}

// adopt takes over what the API says of a container that will not run again.
func (c *container) adopt(status v1.ContainerStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.last, c.restarts, c.ready = status.State, status.LastTerminationState, status.RestartCount, status.Ready
	_, _ = fmt.Sscanf(status.ContainerID, "lab://%s", &c.id)
}

func (c *container) status() v1.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := c.state.Running != nil
	status := v1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, ImageID: "lab://" + c.spec.Image, State: c.state, LastTerminationState: c.last,
		Ready: c.ready, Started: &running, RestartCount: c.restarts,
	}
	if c.id != "" {
		status.ContainerID = "lab://" + c.id
	}
	return *status.DeepCopy()
}

// live is the process of the present run, if the kubelet started it, and what it writes to.
func (c *container) live() (*process, *output, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process, c.output, c.state.Running != nil
}

func (c *container) isStopping() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}
