package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
)

// traffic prints responses per edge region as one JSON object, and nothing
// else, on stdout: one app's regions, or several apps' by name. A partial
// answer is no answer.
func (r *run) traffic(ctx context.Context) int {
	counts, errs := make([]map[region.Code]float64, len(r.cfg.Apps)), make([]error, len(r.cfg.Apps))
	var group sync.WaitGroup
	for i, app := range r.cfg.Apps {
		group.Go(func() { counts[i], errs[i] = r.trafficOf(ctx, app) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return r.fail(ctx, err, exitFailed)
	}
	data := trafficJSON(counts[0])
	if len(counts) > 1 {
		byApp := make([]string, len(counts))
		for i, app := range r.cfg.Apps {
			byApp[i] = fmt.Sprintf("%q: %s", app.Name, trafficJSON(counts[i]))
		}
		data = "{" + strings.Join(byApp, ", ") + "}"
	}
	if _, err := fmt.Fprintf(r.Stdout, "%s\n", data); err != nil {
		return r.fail(ctx, fmt.Errorf("print the traffic: %w", err), exitFailed)
	}
	if err := r.runner.setOutputs(map[string]string{"traffic": data}); err != nil {
		return r.fail(ctx, err, exitFailed)
	}
	return exitOK
}

func (r *run) trafficOf(ctx context.Context, app config.AppConfig) (map[region.Code]float64, error) {
	org, err := r.orgOf(ctx, app)
	var api *flyapi.Error
	if errors.As(err, &api) && api.Status == http.StatusNotFound {
		r.tell(levelNotice, "no such app: the Machines API does not know "+app.Name, "check the app's name, and that the token may see it")
		return map[region.Code]float64{}, nil
	}
	if err != nil {
		return nil, err
	}
	metrics, err := r.metrics(org)
	if err != nil {
		return nil, err
	}
	t, err := metrics.Traffic(ctx, promapi.TrafficQuery{
		App: app.Name, End: r.Now(), Window: r.cfg.TrafficWindow, Status: app.Policy.Status,
	})
	if err != nil {
		return nil, err
	}
	for _, w := range t.Warnings {
		r.log.Warn(w)
	}
	if t.Partial {
		return nil, hint.Wrap(fmt.Errorf("count responses of app %s: the metrics server answered in part", app.Name), "run again later")
	}
	if t.Absent != "" {
		text, next := absence(app, t.Absent)
		r.tell(levelNotice, text, next)
	}
	if t.Responses == nil {
		return map[region.Code]float64{}, nil
	}
	return t.Responses, nil
}

// trafficJSON writes one app's counts, keys sorted, always with a decimal
// point: {"ams": 150.0}.
func trafficJSON(counts map[region.Code]float64) string {
	var parts []string
	for _, code := range sortedKeys(counts) {
		key, _ := json.Marshal(code) // a string: it cannot fail
		n := strconv.FormatFloat(counts[code], 'f', -1, 64)
		if !strings.Contains(n, ".") {
			n += ".0"
		}
		parts = append(parts, string(key)+": "+n)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// absence says why there is no traffic, and what to do about it.
func absence(app config.AppConfig, why promapi.Absence) (text, next string) {
	switch why {
	case promapi.NoApp:
		return "no such app: the organization has metrics, but none of " + app.Name, "check the app's name and the organization"
	case promapi.NoOrg:
		return "no metrics of the whole organization", "check org and metrics-token: `fly tokens create readonly ORG`"
	case promapi.NoRequests:
	}
	if app.Policy.Status != "" {
		return fmt.Sprintf("no requests: %s is known, but no response in the window has a status that matches %s", app.Name, app.Policy.Status),
			"status is a regular expression on whole codes: 2.. matches 200"
	}
	return fmt.Sprintf("no requests: %s is known, but nobody asked it anything in the window", app.Name), ""
}
