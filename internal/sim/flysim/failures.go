package flysim

import (
	"net/http"
	"strconv"
)

// limitReached is what the API says when an organization has all the Machines
// that it may have.
const limitReached = "Your organization has reached its machine limit. Please contact billing@fly.io"

// Failures returns the ways in which any one request may fail: each status
// with each text of the API's, without and with effect where the answer leaves
// that open, and what networks do. Each fails once, with the first request of
// any route; a copy may say otherwise.
func Failures() []Fault {
	refuse := func(status int, text, code string) Fault {
		body := `{"error":` + strconv.Quote(text)
		if code != "" {
			body += `,"status":` + strconv.Quote(code)
		}
		return Fault{Name: strconv.Itoa(status) + " " + text, Status: status, Body: body + "}"}
	}
	faults := []Fault{
		refuse(http.StatusBadRequest, "invalid_argument: invalid machine configuration", ""),
		refuse(http.StatusUnauthorized, errorText(http.StatusUnauthorized), ""),
		refuse(http.StatusForbidden, errorText(http.StatusForbidden), ""),
		refuse(http.StatusForbidden, limitReached, ""),
		refuse(http.StatusNotFound, "machine not found", ""),
		refuse(http.StatusConflict, errorText(http.StatusConflict), ""),
		refuse(http.StatusConflict, "machine ID 3d8d1000000000 lease currently held by ann@tokens.fly.io, expires at 2026-11-02T10:00:00Z", ""),
		refuse(http.StatusConflict, "aborted: could not reserve resource for machine: insufficient CPUs available to fulfill request on the current host", ""),
		refuse(http.StatusConflict, "aborted: could not reserve resource for machine: insufficient memory available to fulfill request on the current host", ""),
		refuse(http.StatusConflict, "aborted: could not reserve resource for machine: insufficient IPs available to fulfill request on the current host", ""),
		refuse(http.StatusConflict, "aborted: insufficient resources available to fulfill request: no capacity", ""),
		refuse(http.StatusConflict, "aborted: insufficient resources available to fulfill request: not enough memory", ""),
		refuse(http.StatusConflict, `already_exists: unique machine name violation, machine ID 3d8d1000000000 already exists with name "fp-1"`, ""),
		refuse(http.StatusPreconditionFailed, "insufficient resources to create new machine with existing volume id 'vol_1'", "volume_placement_capacity"),
		refuse(http.StatusPreconditionFailed, "failed_precondition: deploys to this host are temporarily disabled", ""),
		refuse(http.StatusPreconditionFailed, "failed_precondition: governor policy blocked start", ""),
		refuse(http.StatusUnprocessableEntity, "could not find a candidate host", "insufficient_capacity"),
		refuse(http.StatusUnprocessableEntity, limitReached, ""),
		refuse(http.StatusTooManyRequests, errorText(http.StatusTooManyRequests), ""),
	}
	limited := refuse(http.StatusTooManyRequests, errorText(http.StatusTooManyRequests), "")
	limited.Name, limited.RetryAfter = limited.Name+", Retry-After", "2"
	faults = append(faults, limited)
	open := []Fault{
		refuse(http.StatusRequestTimeout, errorText(http.StatusRequestTimeout), ""),
		refuse(http.StatusInternalServerError, "internal: unknown", "unknown"),
		refuse(http.StatusBadGateway, "Bad Gateway", ""),
		refuse(http.StatusServiceUnavailable, "Service Unavailable", ""),
		refuse(http.StatusGatewayTimeout, "Gateway Timeout", ""),
		{Name: "502 as a web page", Kind: HTML, Status: http.StatusBadGateway},
		{Name: "reset", Kind: Reset},
	}
	for _, f := range open {
		faults = append(faults, f)
		f.Name, f.Done = f.Name+", done", true
		faults = append(faults, f)
	}
	faults = append(faults,
		Fault{Name: "the answer breaks off, done", Kind: Cut, Done: true},
		Fault{Name: "truncated JSON, done", Kind: Truncated, Done: true},
	)
	for i := range faults {
		faults[i].Times = 1
	}
	return faults
}
