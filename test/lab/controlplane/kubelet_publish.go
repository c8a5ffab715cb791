package main

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	podhelpers "k8s.io/kubernetes/pkg/util/pod"
)

// publish writes the status whenever it changed, and goes on trying while the API is away.
func (w *podWorker) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.changed:
		}
		for ctx.Err() == nil {
			if err := w.publishOnce(ctx); err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
				break
			}
			sleep(ctx, retryEvery)
		}
	}
}

func (w *podWorker) publishOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	pod, err := w.kubelet.client.CoreV1().Pods(w.current().Namespace).Get(ctx, w.current().Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if pod.UID != w.current().UID {
		return nil
	}
	_, _, _, err = podhelpers.PatchPodStatus(ctx, w.kubelet.client, pod.Namespace, pod.Name, pod.UID, pod.Status, w.status(pod))
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
		klog.InfoS("Writing a pod's status failed", "pod", klog.KObj(pod), "err", err)
	}
	return err
}

// removeObject tells the API that nothing of a deleted pod is left.
func (w *podWorker) removeObject() {
	pod := w.current()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_ = w.publishOnce(ctx)
		uid := pod.UID
		err := w.kubelet.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &uid}})
		cancel()
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
		select {
		case <-w.vanished:
			return
		case <-time.After(retryEvery):
		}
	}
}
