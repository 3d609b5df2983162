package promapi

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// Every query that this package sends is built in this file.

// Metric names, as Fly.io publishes them.
const (
	edgeResponses = "fly_edge_http_responses_count"
	edgeBytes     = "fly_edge_data_out"
	edgeTime      = "fly_edge_http_response_time_seconds" // a histogram
	appResponses  = "fly_app_http_responses_count"
	appTime       = "fly_app_http_response_time_seconds" // a histogram
	concurrency   = "fly_app_concurrency"
	machineUp     = "fly_instance_up"
)

// anySeries matches the metrics that tell that an app exists, proxySeries
// those of them that fly-proxy reports: they can go on while no Machine runs.
const (
	anySeries   = `__name__=~"` + edgeResponses + "|" + concurrency + "|" + machineUp + `"`
	proxySeries = `__name__=~"` + edgeResponses + "|" + concurrency + `"`
)

// statusLimit bounds the regular expression on the response status.
const statusLimit = 200

var appName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// checkApps reports every name that cannot be an app's. Names that pass need
// no escaping inside a regular expression.
func checkApps(apps []string) error {
	var errs []error
	if len(apps) == 0 {
		errs = append(errs, errors.New("query metrics: no app named"))
	}
	for _, app := range apps {
		if !appName.MatchString(app) {
			errs = append(errs, hint.Wrap(fmt.Errorf("query metrics: app %q is not a name of a Fly.io app", app),
				"names have lower-case letters, digits and dashes, at most 63; `fly apps list` shows yours"))
		}
	}
	return errors.Join(errs...)
}

// checkStatus reports a regular expression that the server would refuse.
func checkStatus(status string) error {
	why := ""
	if len(status) > statusLimit {
		why = fmt.Sprintf("longer than %d characters", statusLimit)
	} else if _, err := regexp.Compile("^(?:" + status + ")$"); err != nil {
		why = err.Error()
	} else if _, err := regexp.Compile(status); err != nil { // such as "a)|(?:b"
		why = err.Error()
	}
	if why == "" {
		return nil
	}
	return hint.Wrap(fmt.Errorf("query metrics: status %q is not a regular expression: %s", status, why),
		"it must match the whole status code, such as 2.. or 2..|304")
}

// ofApps selects the series of apps; sorted and unique, so that the same apps
// give the same text.
func ofApps(apps []string) string {
	if len(apps) == 1 {
		return `app=` + strconv.Quote(apps[0])
	}
	return `app=~` + strconv.Quote(strings.Join(apps, "|"))
}

// withStatus adds the status filter. Servers anchor regular expressions
// themselves; a quoted Go string is a string of PromQL and of MetricsQL.
func withStatus(selector, status string) string {
	if status == "" {
		return selector
	}
	return selector + `,status=~` + strconv.Quote(status)
}

// increased sums by labels what a counter grew by. The increase is taken
// before the sum, because series restart with every restart of a proxy.
func increased(by, metric, selector, window string) string {
	return fmt.Sprintf("sum by (%s) (increase(%s{%s}[%s]))", by, metric, selector, window)
}

func trafficQuery(app, status, window string) string {
	return increased("region", edgeResponses, withStatus(ofApps([]string{app}), status), window)
}

func responsesQuery(apps []string, status string) string {
	return increased("app, region", edgeResponses, withStatus(ofApps(apps), status), "1h")
}

func servedQuery(apps []string) string {
	return increased("app", appResponses, ofApps(apps), "1h")
}

func servedByQuery(apps []string, window string) string {
	return increased("app, instance", appResponses, ofApps(apps), window)
}

// regionQuery sums by app and region what a counter grew by in a window.
func regionQuery(metric string, apps []string, window string) string {
	return increased("app, region", metric, ofApps(apps), window)
}

// runningQuery counts the minutes of a window in which each Machine was up. A
// stopped Machine has no samples. The number of samples would do, if it were
// known how many there are in a minute; the maximum counts a Machine once that
// moved to another host.
func runningQuery(apps []string, window string) string {
	return fmt.Sprintf("sum_over_time(max by (app, instance) (%s{%s})[%s:1m])", machineUp, ofApps(apps), window)
}

// concurrencyQuery asks for the mean ("avg") or largest ("max") number of
// requests in flight in an hour, looked at every minute. The maximum by
// Machine comes first: for a minute after a proxy restarts, its old series
// still has a value beside the new one, and a sum would count the Machine
// twice.
func concurrencyQuery(fold string, apps []string) string {
	return fmt.Sprintf("%s_over_time(sum by (app) (max by (app, instance) (%s{%s}))[1h:1m])", fold, concurrency, ofApps(apps))
}

// knownQuery counts the series of each app, whatever they say.
func knownQuery(apps []string, window string) string {
	return fmt.Sprintf("count by (app) (last_over_time({%s,%s}[%s]))", anySeries, ofApps(apps), window)
}

// orgQuery counts the Machines of the organization that reported in a window.
func orgQuery(window string) string {
	return fmt.Sprintf("count(last_over_time(%s[%s]))", machineUp, window)
}

// newestQuery asks when the newest sample was taken, of any Machine of the
// organization or about the apps: of an organization whose Machines all stop
// when idle only fly-proxy still says anything. tlast_over_time is MetricsQL:
// PromQL's timestamp() looks back five minutes at most, and an outage is
// longer. So is max of two arguments: PromQL's "or" would drop what has the
// labels of a series on its left, since tlast_over_time leaves no metric name.
func newestQuery(apps []string, window string) string {
	return fmt.Sprintf("max(tlast_over_time(%s[%s]), tlast_over_time({%s,%s}[%s]))", machineUp, window, proxySeries, ofApps(apps), window)
}

// promDuration renders d, a whole number of milliseconds, in the largest unit
// that divides it.
func promDuration(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d%unit.length == 0 {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.name
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

// sortedApps returns the names sorted, each once.
func sortedApps(apps []string) []string {
	apps = slices.Clone(apps)
	slices.Sort(apps)
	return slices.Compact(apps)
}
