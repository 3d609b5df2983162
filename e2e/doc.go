// Package e2e holds the end-to-end suite: the image built from the Dockerfile,
// run as GitHub's runner runs it and by act as `uses: ./`, against
// VictoriaMetrics and the simulated Fly.io and GitHub. What is sent to the two
// is judged by their OpenAPI descriptions.
//
// Its tests have the build tag e2e and need what .ci/e2e prepares: a Docker
// engine, act and victoria-metrics in PATH, and these variables:
//
//	E2E_RUNNER_IMAGE     image in which act runs a job's steps
//	E2E_IMAGE            name to give the image of the action
//	GITHUB_OPENAPI   GitHub's OpenAPI description
//	GITHUB_WEBHOOKS  GitHub's example webhooks
//	FLY_MACHINES_OPENAPI      the Machines API's description; its checks are skipped without
package e2e
