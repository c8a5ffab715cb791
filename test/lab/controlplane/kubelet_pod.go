package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podWorker runs one pod: its init containers in turn, then the others together, until they end, its time is up, or it is deleted.
type podWorker struct {
	kubelet *kubelet

	mu         sync.Mutex
	pod        *v1.Pod // as the API has it
	containers []*container
	initDone   bool
	verdict    *podVerdict // set once the pod has failed as a whole
	started    metav1.Time

	deleted  chan struct{} // closed when a deletion is seen
	vanished chan struct{} // closed when the object is gone, or the kubelet ends
	changed  chan struct{}
	closing  sync.Once
	asking   sync.Once
}

type podVerdict struct{ reason, message string }

func newPodWorker(k *kubelet, pod *v1.Pod) *podWorker {
	w := &podWorker{kubelet: k, pod: pod, deleted: make(chan struct{}), vanished: make(chan struct{}), changed: make(chan struct{}, 1)}
	w.started = metav1.Now()
	if pod.Status.StartTime != nil {
		w.started = *pod.Status.StartTime
	}
	for _, spec := range pod.Spec.InitContainers {
		w.containers = append(w.containers, newContainer(w, spec, true))
	}
	for _, spec := range pod.Spec.Containers {
		w.containers = append(w.containers, newContainer(w, spec, false))
	}
	return w
}

func (w *podWorker) see(pod *v1.Pod) {
	w.mu.Lock()
	w.pod = pod
	w.mu.Unlock()
	if pod.DeletionTimestamp != nil {
		w.asking.Do(func() { close(w.deleted) })
	}
}

func (w *podWorker) current() *v1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod
}

// dir is where the pod's logs and messages are kept while the kubelet knows it.
func (w *podWorker) dir() string { return filepath.Join(w.kubelet.rootDir, string(w.pod.UID)) }

// ips are the pod's addresses: the node's, or those the harness gave it.
func (w *podWorker) ips() []string {
	if pod := w.current(); !pod.Spec.HostNetwork {
		return splitList(pod.Annotations[podIPs])
	}
	return w.kubelet.ips
}

func (w *podWorker) vanish() { w.closing.Do(func() { close(w.vanished) }) }

// touch asks for the status to be written.
func (w *podWorker) touch() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *podWorker) run(ctx context.Context) {
	publishing, stopPublishing := context.WithCancel(ctx)
	defer stopPublishing()
	go w.publish(publishing)
	w.touch()

	pod := w.current()
	running, kill := context.WithCancel(context.Background())
	defer kill()
	done := make(chan struct{})
	go func() {
		defer close(done)
		switch {
		case pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed:
			w.adoptEnded(pod)
		case isCalicoNode(pod):
			w.followFelix(running)
		case isOutside(pod):
			w.stayReady(running)
		default:
			w.runContainers(running)
		}
	}()
	deadline := w.deadline(pod)
	for {
		select {
		case <-done:
			w.touch()
			done = nil
		case <-deadline:
			w.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
			w.stopContainers(gracePeriod(pod))
			kill()
			deadline = nil
		case <-w.deleted:
			w.stopContainers(deletionGrace(w.current()))
			kill()
			waitFor(done)
			w.removeObject()
			_ = os.RemoveAll(w.dir())
			return
		case <-w.vanished:
			w.stopContainers(0)
			kill()
			waitFor(done)
			if !w.kubelet.pods.isEnding() {
				_ = os.RemoveAll(w.dir())
			}
			return
		}
	}
}

func waitFor(done <-chan struct{}) {
	if done != nil {
		<-done
	}
}

func (w *podWorker) deadline(pod *v1.Pod) <-chan time.Time {
	if pod.Spec.ActiveDeadlineSeconds == nil {
		return nil
	}
	return time.After(time.Until(w.started.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)))
}

func (w *podWorker) fail(reason, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.verdict == nil {
		w.verdict = &podVerdict{reason, message}
	}
}

func (w *podWorker) runContainers(ctx context.Context) {
	if w.interrupted() {
		return
	}
	var together, beside sync.WaitGroup
	defer beside.Wait()
	for _, c := range w.containers {
		// A sidecar is an init container that goes on running; it is not waited for.
		if c.init && !c.sidecar() {
			if !c.runUntilItSucceeds(ctx) {
				return
			}
			continue
		}
		if !c.init {
			w.mu.Lock()
			w.initDone = true
			w.mu.Unlock()
		}
		group := &together
		if c.init {
			group = &beside
		}
		group.Go(func() { c.runByPolicy(ctx) })
	}
	together.Wait()
	for _, c := range w.containers {
		if c.sidecar() {
			c.stop(gracePeriod(w.current()))
		}
	}
}

// interrupted ends a pod that must not run twice and ran under an earlier life of this kubelet, as a reboot does.
func (w *podWorker) interrupted() bool {
	pod := w.current()
	if pod.Spec.RestartPolicy != v1.RestartPolicyNever || pod.Status.Phase != v1.PodRunning {
		return false
	}
	for _, c := range w.containers {
		c.ended(137, "ContainerStatusUnknown", "The container could not be located when the pod was restarted")
	}
	w.fail("NodeRestarted", "the node's agent was restarted")
	return true
}

// adoptEnded keeps what the API already says of a pod that has ended.
func (w *podWorker) adoptEnded(pod *v1.Pod) {
	known := append(append([]v1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...)
	for _, c := range w.containers {
		for _, status := range known {
			if status.Name == c.spec.Name {
				c.adopt(status)
			}
		}
	}
	if pod.Status.Phase == v1.PodFailed {
		w.fail(pod.Status.Reason, pod.Status.Message)
	}
}

func (w *podWorker) stopContainers(grace time.Duration) {
	var all sync.WaitGroup
	for _, c := range w.containers {
		all.Go(func() { c.stop(grace) })
	}
	all.Wait()
}

func gracePeriod(pod *v1.Pod) time.Duration {
	if pod.Spec.TerminationGracePeriodSeconds == nil {
		return 30 * time.Second
	}
	return time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second
}

func deletionGrace(pod *v1.Pod) time.Duration {
	if pod.DeletionGracePeriodSeconds == nil {
		return gracePeriod(pod)
	}
	return time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
}
