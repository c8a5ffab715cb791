package main

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// currentWithStatus is the pod as this kubelet sees it.
func (w *podWorker) currentWithStatus() *v1.Pod {
	pod := w.current().DeepCopy()
	pod.Status = w.status(pod)
	return pod
}

// status is what the API should say of the pod; conditions that are not a kubelet's are kept.
func (w *podWorker) status(pod *v1.Pod) v1.PodStatus {
	status := *pod.Status.DeepCopy()
	w.mu.Lock()
	verdict, initDone := w.verdict, w.initDone
	w.mu.Unlock()
	status.InitContainerStatuses, status.ContainerStatuses = nil, nil
	for _, c := range w.containers {
		if c.init {
			status.InitContainerStatuses = append(status.InitContainerStatuses, c.status())
		} else {
			status.ContainerStatuses = append(status.ContainerStatuses, c.status())
		}
	}
	status.Phase = phase(pod, status, verdict)
	if verdict != nil {
		status.Reason, status.Message = verdict.reason, verdict.message
	}
	status.StartTime = w.started.DeepCopy()
	status.ObservedGeneration = pod.Generation
	status.HostIP, status.HostIPs = w.kubelet.ips[0], nil
	for _, ip := range w.kubelet.ips {
		status.HostIPs = append(status.HostIPs, v1.HostIP{IP: ip})
	}
	ips := w.ips()
	status.PodIP, status.PodIPs = ips[0], nil
	for _, ip := range ips {
		status.PodIPs = append(status.PodIPs, v1.PodIP{IP: ip})
	}
	ready := status.Phase == v1.PodRunning
	for _, c := range status.ContainerStatuses {
		ready = ready && c.Ready
	}
	setPodCondition(&status, v1.PodReadyToStartContainers, true, "")
	setPodCondition(&status, v1.PodInitialized, initDone || len(status.InitContainerStatuses) == 0, "ContainersNotInitialized")
	setPodCondition(&status, v1.ContainersReady, ready, notReadyReason(status.Phase))
	setPodCondition(&status, v1.PodReady, ready, notReadyReason(status.Phase))
	setPodCondition(&status, v1.PodScheduled, true, "")
	return status
}

func phase(pod *v1.Pod, status v1.PodStatus, verdict *podVerdict) v1.PodPhase {
	running, ended, failed := 0, 0, 0
	for _, c := range status.ContainerStatuses {
		switch {
		case c.State.Running != nil:
			running++
		case c.State.Terminated != nil:
			ended++
			if c.State.Terminated.ExitCode != 0 {
				failed++
			}
		case c.LastTerminationState.Terminated != nil: // between two runs
			running++
		}
	}
	initFailed := false
	for _, c := range status.InitContainerStatuses {
		initFailed = initFailed || c.State.Terminated != nil && c.State.Terminated.ExitCode != 0 && pod.Spec.RestartPolicy == v1.RestartPolicyNever
	}
	policy := pod.Spec.RestartPolicy
	switch {
	case verdict != nil && running == 0, initFailed:
		return v1.PodFailed
	case ended == len(pod.Spec.Containers) && (policy == v1.RestartPolicyNever || pod.DeletionTimestamp != nil) && failed > 0:
		return v1.PodFailed
	case ended == len(pod.Spec.Containers) && failed == 0 && (policy != v1.RestartPolicyAlways || pod.DeletionTimestamp != nil):
		return v1.PodSucceeded
	case running+ended > 0:
		return v1.PodRunning
	}
	return v1.PodPending
}

func notReadyReason(phase v1.PodPhase) string {
	switch phase {
	case v1.PodSucceeded:
		return "PodCompleted"
	case v1.PodFailed:
		return "PodFailed"
	}
	return "ContainersNotReady"
}

func setPodCondition(status *v1.PodStatus, kind v1.PodConditionType, holds bool, whyNot string) {
	wanted := v1.PodCondition{Type: kind, Status: v1.ConditionTrue, LastTransitionTime: metav1.Now()}
	if !holds {
		wanted.Status, wanted.Reason = v1.ConditionFalse, whyNot
	}
	for i, there := range status.Conditions {
		if there.Type == kind {
			if there.Status == wanted.Status {
				wanted.LastTransitionTime = there.LastTransitionTime
			}
			wanted.ObservedGeneration = there.ObservedGeneration
			status.Conditions[i] = wanted
			return
		}
	}
	status.Conditions = append(status.Conditions, wanted)
}
