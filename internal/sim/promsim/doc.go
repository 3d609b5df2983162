// Package promsim simulates Fly.io's metrics: a Prometheus-compatible server
// that answers exactly the queries that the project sends, as VictoriaMetrics
// v1.148.8 would, and fails on request in the ways that servers and networks
// do. The end-to-end test of package promapi compares it with the real server
// over the same samples.
//
// It knows instant and range queries by POST and GET below
// /prometheus/<org>/api/v1/, of these shapes (SEL selects labels, D is a
// duration):
//
//	sum by (L, …) (increase(M{SEL}[D]))
//	avg_over_time(sum by (app) (max by (app, instance) (M{SEL}))[D:D])
//	max_over_time(…)
//	sum_over_time(max by (app, instance) (M{SEL})[D:D])
//	count(last_over_time(M[D])), count by (app) (last_over_time({SEL}[D]))
//	max(tlast_over_time(M[D]), tlast_over_time({SEL}[D]))
//
// Anything else is a 422, so that a changed query cannot pass by accident.
package promsim
