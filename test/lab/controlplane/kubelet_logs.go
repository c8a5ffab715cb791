package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
	internalapi "k8s.io/cri-api/pkg/apis"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	criLogs "k8s.io/cri-client/pkg/logs"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/v1/validation"
)

func (k *kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	wanted := &v1.PodLogOptions{}
	if err := legacyscheme.ParameterCodec.DecodeParameters(r.URL.Query(), v1.SchemeGroupVersion, wanted); err != nil {
		http.Error(w, "Unable to decode query.", http.StatusBadRequest)
		return
	}
	if wrong := validation.ValidatePodLogOptions(wanted); len(wrong) > 0 {
		http.Error(w, "Invalid request.", http.StatusUnprocessableEntity)
		return
	}
	c := k.containerOf(w, r)
	if c == nil {
		return
	}
	path, err := c.logOf(wanted.Previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to := flushwriter.Wrap(w)
	var stdout, stderr io.Writer = to, to
	if wanted.Stream != nil && *wanted.Stream == v1.LogStreamStdout {
		stderr = nil
	}
	if wanted.Stream != nil && *wanted.Stream == v1.LogStreamStderr {
		stdout = nil
	}
	// A client that hangs up while it follows is the usual end; there is nobody left to tell.
	_ = criLogs.ReadLogs(r.Context(), path, "", logOptions(wanted), runtimeOf{container: c}, stdout, stderr)
}

// logOf is the log of the present run, or of the one before.
func (c *container) logOf(previous bool) (string, error) {
	c.mu.Lock()
	run, pod := c.restarts, c.worker.pod
	waiting := c.state.Waiting
	c.mu.Unlock()
	// Between two runs the last one's log is still the present one.
	if previous {
		path := c.fileOf(run-1, "log")
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("previous terminated container %q in pod %q not found", c.spec.Name, pod.Name)
		}
		return path, nil
	}
	path := c.fileOf(run, "log")
	if _, err := os.Stat(path); err != nil {
		if waiting != nil {
			return "", fmt.Errorf("container %q in pod %q is waiting to start: %s", c.spec.Name, pod.Name, waiting.Reason)
		}
		return "", fmt.Errorf("container %q in pod %q keeps no log here", c.spec.Name, pod.Name)
	}
	return path, nil
}

func logOptions(wanted *v1.PodLogOptions) *criLogs.LogOptions {
	options := &criLogs.LogOptions{TailLines: wanted.TailLines, LimitBytes: wanted.LimitBytes, Follow: wanted.Follow, Timestamp: wanted.Timestamps}
	if wanted.SinceSeconds != nil {
		options.Since = time.Now().Add(-time.Duration(*wanted.SinceSeconds) * time.Second)
	}
	if wanted.SinceTime != nil {
		options.Since = wanted.SinceTime.Time
	}
	return options
}

// runtimeOf answers the one question the log reader has: whether more may come.
type runtimeOf struct {
	internalapi.RuntimeService
	container *container
}

func (r runtimeOf) ContainerStatus(context.Context, string, bool) (*criapi.ContainerStatusResponse, error) {
	state := criapi.ContainerState_CONTAINER_EXITED
	if _, _, running := r.container.live(); running {
		state = criapi.ContainerState_CONTAINER_RUNNING
	}
	return &criapi.ContainerStatusResponse{Status: &criapi.ContainerStatus{State: state}}, nil
}

// The kubelet's limits on termination messages (pkg/kubelet/container/runtime.go of Kubernetes 1.36).
const (
	longestMessage      = 4096
	longestFromLog      = 2048
	mostLinesFromLog    = int64(80)
	fallBackToLogPolicy = v1.TerminationMessageFallbackToLogsOnError
)

// lastWords is the termination message of the run that just ended.
func (c *container) lastWords(code int32) string {
	file, err := os.Open(c.file("message"))
	if err != nil {
		return fmt.Sprintf("Error on reading termination log: %v", err)
	}
	defer file.Close()
	if written, err := file.Stat(); err == nil && written.Size() > longestMessage {
		_, _ = file.Seek(-longestMessage, io.SeekEnd)
	}
	message, _ := io.ReadAll(file)
	if len(message) > 0 || code == 0 || c.spec.TerminationMessagePolicy != fallBackToLogPolicy {
		return string(message)
	}
	var log bytes.Buffer
	lines := mostLinesFromLog
	_ = criLogs.ReadLogs(context.Background(), c.file("log"), "", &criLogs.LogOptions{TailLines: &lines}, nil, &log, &log)
	tail := log.Bytes()
	return string(tail[max(0, len(tail)-longestFromLog):])
}
