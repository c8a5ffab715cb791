package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/klog/v2"
)

// followFelix is the whole life of a calico-node pod: Felix is started and supervised from outside, and the pod is as ready as Felix says it is.
func (w *podWorker) followFelix(ctx context.Context) {
	w.adoptRunning()
	for _, c := range w.containers {
		if c.init {
			continue
		}
		go c.copyLog(ctx, w.kubelet.felixLog)
		go c.probeAs(ctx, felixProbe(c.spec.ReadinessProbe, w.kubelet.felixReady), w.kubelet.probeEvery)
	}
	<-ctx.Done()
}

// adoptRunning is a pod whose processes are somebody else's: init containers are over, the others run.
func (w *podWorker) adoptRunning() {
	w.mu.Lock()
	w.initDone = true
	w.mu.Unlock()
	for _, c := range w.containers {
		if c.init && !c.sidecar() {
			c.ended(0, "Completed", "")
		} else {
			c.runsOutside()
		}
	}
}

// stayReady is a pod of the harness, which runs and is ready because the harness says so.
func (w *podWorker) stayReady(ctx context.Context) {
	w.adoptRunning()
	for _, c := range w.containers {
		c.setReady(true)
	}
	w.touch()
	<-ctx.Done()
}

// felixProbe asks Felix in place of the image's own probe command, with the period and thresholds that probe has.
func felixProbe(declared *v1.Probe, url string) *v1.Probe {
	probe := &v1.Probe{}
	if declared != nil {
		probe = declared.DeepCopy()
	}
	probe.ProbeHandler = v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: url, Port: intstr.FromInt32(0)}}
	return probe
}

// copyLog makes what is appended to a file the log of a container, from the file's start.
func (c *container) copyLog(ctx context.Context, file string) {
	if file == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(c.file("log")), 0o755); err != nil {
		klog.ErrorS(err, "A container has no log", "container", c.spec.Name)
		return
	}
	written, err := newOutput(c.file("log"))
	if err != nil {
		klog.ErrorS(err, "A container has no log", "container", c.spec.Name)
		return
	}
	defer written.close()
	c.mu.Lock()
	c.output = written
	c.mu.Unlock()
	tail, err := startProcess(exec.Command("tail", "-n", "+1", "-F", "-s", "0.2", file), false, false, written.stream("stdout"), nil)
	if err != nil {
		klog.ErrorS(err, "A container's log cannot be followed", "container", c.spec.Name, "file", file)
		return
	}
	go func() {
		<-ctx.Done()
		tail.kill()
	}()
	tail.wait()
}
