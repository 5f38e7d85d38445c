// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The kube-controller-manager of Kubernetes' own module.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() { os.Exit(cli.Run(app.NewControllerManagerCommand())) }
