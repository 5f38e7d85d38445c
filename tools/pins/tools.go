// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools pins the Go tools: what it imports stands in go.mod and go.sum.
package tools

import (
	_ "github.com/fullstorydev/grpcurl/cmd/grpcurl"
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
)
