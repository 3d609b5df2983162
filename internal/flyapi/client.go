// Package flyapi reads apps, Machines and regions from Fly.io, and changes
// Machines. It speaks through fly-go, over a transport of its own that never repeats a write,
// sends the token to no other host and bounds every request.
package flyapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	fly "github.com/superfly/fly-go"
	"github.com/superfly/fly-go/flaps"
	"github.com/superfly/fly-go/tokens"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// The addresses of Fly.io.
const (
	DefaultAPIURL     = "https://api.machines.dev"
	DefaultGraphQLURL = "https://api.fly.io/graphql"
)

// callTimeout bounds one call of a method, with all its attempts and waits.
const callTimeout = 2 * time.Minute

// Options say where Fly.io is and who asks. Only Token is required.
type Options struct {
	// APIURL is the Machines API without "/v1"; "" = DefaultAPIURL. It is the
	// only thing that decides where requests go: FLY_FLAPS_BASE_URL and
	// FLY_FORCE_INSTANCE_ID, which fly-go takes from the environment, have no
	// effect.
	APIURL string
	// GraphQLURL is the whole address; "" = DefaultGraphQLURL, or
	// APIURL + "/graphql" when APIURL is given.
	GraphQLURL string
	// Token is sent to these two hosts only.
	Token secret.Token
	// UserAgent names the program: "fly-placer/1.2.3".
	UserAgent string
	// HTTP carries the requests; nil = connections of the client's own. One
	// that is not a *http.Transport must not send a request twice by itself.
	HTTP http.RoundTripper
	// Sleep waits before a read is tried again; nil = in real time.
	Sleep func(context.Context, time.Duration) error
	// ReadTimeout bounds each attempt of a read; 0 = 20 s. One of a read that
	// may fail never takes longer than 10 s.
	ReadTimeout time.Duration
}

// Client speaks to Fly.io. It implements apply.Machines. It may be used concurrently.
type Client struct {
	flaps *flaps.Client // builds requests to the Machines API, with its authorization
	gql   *fly.Client
	http  *http.Client // sends them, without fly-go's retries
	token secret.Token // to be taken out of what comes back
	sleep func(context.Context, time.Duration) error
}

// New returns a client, or all that is wrong with the options. It sends
// nothing. A FLY_FLAPS_BASE_URL in the environment that is no URL at all is an
// error, because fly-go cannot be made without reading it.
func New(ctx context.Context, options Options) (*Client, error) {
	graphQL := options.GraphQLURL
	switch {
	case graphQL == "" && options.APIURL == "":
		graphQL = DefaultGraphQLURL
	case graphQL == "":
		graphQL = strings.TrimSuffix(options.APIURL, "/") + "/graphql"
	}
	api, errAPI := parseURL("Machines API URL", cmp.Or(options.APIURL, DefaultAPIURL))
	gql, errGQL := parseURL("GraphQL URL", graphQL)
	errToken := options.Token.Validate()
	if errToken != nil {
		errToken = hint.Wrap(fmt.Errorf("use Fly.io token: %w", errToken),
			"set fly-api-token or FLY_API_TOKEN to what `fly tokens create readonly ORG` prints, all of it")
	}
	if err := errors.Join(errAPI, errGQL, errToken); err != nil {
		return nil, err
	}

	machines := newTransport(options, api)
	queries := newTransport(options, gql)
	queries.whole = true
	queries.check = knowsApp
	auth := tokens.Parse(options.Token.Reveal())
	agent := cmp.Or(options.UserAgent, "fly-placer")
	client, err := flaps.NewWithOptions(ctx, flaps.NewClientOpts{UserAgent: agent, Tokens: auth, Transport: machines})
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("make Machines API client: %w", err), "unset FLY_FLAPS_BASE_URL; fly-api-url says where the API is")
	}
	no, nowhere := false, ""
	return &Client{
		flaps: client,
		gql: fly.NewClientFromOptions(fly.ClientOptions{
			BaseURL: gql.Scheme + "://" + gql.Host, Tokens: auth,
			EnableDebugTrace: &no, FlyForceRegion: &nowhere,
			Transport: &fly.Transport{UnderlyingTransport: queries, Tokens: auth, UserAgent: agent},
		}),
		http:  &http.Client{Transport: machines},
		token: options.Token,
		sleep: machines.sleep,
	}, nil
}

func parseURL(what, text string) (*url.URL, error) {
	u, err := endpoint.Parse(text)
	switch {
	case err == nil:
		return u, nil
	case errors.Is(err, endpoint.ErrPlainHTTP):
		return nil, hint.Wrap(fmt.Errorf("parse %s: %w", what, err), "use https")
	default:
		return nil, hint.Wrap(fmt.Errorf("parse %s: %w", what, err), "give it like %s", DefaultAPIURL)
	}
}

// appName is what Fly.io allows; fly-go puts names into paths as they are.
var appName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func validName(name string) error {
	if appName.MatchString(name) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("use app name %q: not a name of an app", name),
		"app names have lower-case letters, digits and hyphens; `fly apps list` shows them")
}

// Org returns the slug of the organization that an app belongs to.
func (c *Client) Org(ctx context.Context, name string) (string, error) {
	if err := validName(name); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	info, err := c.readAppInfo(ctx, name)
	return info.Organization.Slug, err
}

// Regions returns the platform's regions in order of their codes, retired ones
// included. A region whose area is of no known name has none.
func (c *Client) Regions(ctx context.Context) ([]region.Region, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer struct {
		Regions []struct {
			Code       string  `json:"code"`
			Name       string  `json:"name"`
			Deprecated bool    `json:"deprecated"`
			GeoRegion  string  `json:"geo_region"`
			Latitude   float64 `json:"latitude"`
			Longitude  float64 `json:"longitude"`
		} `json:"regions"`
	}
	if _, err := c.get(ctx, "/platform/regions", &answer); err != nil {
		return nil, fmt.Errorf("read regions: %w", err)
	}
	regions := make([]region.Region, 0, len(answer.Regions))
	for _, row := range answer.Regions {
		area, _ := region.AreaFromFly(row.GeoRegion)
		r := region.Region{Code: region.Code(row.Code), Name: row.Name, Area: area, Lat: row.Latitude, Lon: row.Longitude}
		if row.Deprecated {
			r.Status = region.Retired
		}
		regions = append(regions, r)
	}
	slices.SortFunc(regions, func(a, b region.Region) int { return cmp.Compare(a.Code, b.Code) })
	return regions, nil
}

// get reads a path of the Machines API into out and returns the answer's
// header.
func (c *Client) get(ctx context.Context, path string, out any) (http.Header, error) {
	return c.send(ctx, request{method: http.MethodGet, path: path}, out)
}

// send sends a request, reads the answer into out and returns its header. The
// answer is decoded here and not by fly-go, whose types drop what they do not
// know and whose methods do not give the header. With out nil the answer may be
// empty, but not something else than JSON.
func (c *Client) send(ctx context.Context, r request, out any) (http.Header, error) {
	headers := http.Header{}
	if r.nonce != "" {
		headers.Set(nonceHeader, r.nonce)
	}
	req, err := c.flaps.NewRequest(ctx, r.method, r.path, r.body, headers)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, explain(err)
	}
	defer resp.Body.Close()
	empty := out == nil
	if empty {
		out = new(json.RawMessage)
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil && (!empty || !errors.Is(err, io.EOF)) {
		return nil, explain(&Error{
			Method: r.method, Path: req.URL.Path, Status: resp.StatusCode, Attempts: attemptsOf(resp),
			RequestID: secret.Excerpt(resp.Header.Get(requestIDHeader), longestText, c.token),
			Text:      secret.Excerpt(unreadable(resp, err), longestText, c.token),
		})
	}
	return resp.Header, nil
}
