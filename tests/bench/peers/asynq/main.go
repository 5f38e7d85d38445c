// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What an Asynq user would write: `front` answers 202 and tells how a job stands, `worker`
// does the work.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/hibiken/asynq"
)

const queue = "default"

type submission struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func front(redis asynq.RedisClientOpt) error {
	client := asynq.NewClient(redis)
	inspector := asynq.NewInspector(redis)
	http.HandleFunc("POST /v1/jobs", func(w http.ResponseWriter, r *http.Request) {
		var job submission
		if err := json.NewDecoder(r.Body).Decode(&job); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		task, err := client.EnqueueContext(r.Context(), asynq.NewTask(job.Type, job.Payload),
			asynq.MaxRetry(3), asynq.Retention(24*time.Hour))
		if err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		w.Header().Set("Location", "/v1/jobs/"+task.ID)
		answer(w, http.StatusAccepted, map[string]string{"id": task.ID})
	})
	http.HandleFunc("GET /v1/jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		task, err := inspector.GetTaskInfo(queue, r.PathValue("id"))
		if err != nil {
			answer(w, http.StatusNotFound, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]string{
			"id": task.ID, "state": task.State.String(), "result": string(task.Result)})
	})
	http.HandleFunc("GET /done", func(w http.ResponseWriter, _ *http.Request) {
		queues, err := inspector.Queues()
		if err != nil || len(queues) == 0 { // There is none before the first job.
			answer(w, http.StatusOK, map[string]int{"done": 0})
			return
		}
		info, err := inspector.GetQueueInfo(queue)
		if err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]int{"done": info.Completed})
	})
	return http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)
}

func worker(redis asynq.RedisClientOpt) error {
	mux := asynq.NewServeMux()
	mux.HandleFunc("noop", func(_ context.Context, task *asynq.Task) error {
		_, err := task.ResultWriter().Write(task.Payload())
		return err
	})
	return asynq.NewServer(redis, asynq.Config{Concurrency: 64, LogLevel: asynq.WarnLevel}).Run(mux)
}

func main() {
	redis := asynq.RedisClientOpt{Addr: "127.0.0.1:" + os.Getenv("REDIS_PORT")}
	run := map[string]func(asynq.RedisClientOpt) error{"front": front, "worker": worker}[os.Args[1]]
	log.Fatal(run(redis))
}
