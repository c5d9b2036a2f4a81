package keystone

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// version is a version of the identity API. Source: keystone-calls 3, client-wire
// 2: keystoneauth goes on with the self link, so it must lead back here.
type version struct {
	ID         string      `json:"id"`
	Status     string      `json:"status"`
	Updated    string      `json:"updated"`
	Links      []link      `json:"links"`
	MediaTypes []mediaType `json:"media-types"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type mediaType struct {
	Base string `json:"base"`
	Type string `json:"type"`
}

func (a *API) version(x *wire.Exchange) version {
	return version{
		ID: "v3.14", Status: "stable", Updated: "2020-04-07T00:00:00Z",
		Links:      []link{{"self", a.url(x, "/v3/")}},
		MediaTypes: []mediaType{{"application/json", "application/vnd.openstack.identity-v3+json"}},
	}
}

// listVersions serves GET /.
func (a *API) listVersions(x *wire.Exchange) error {
	var body struct {
		Versions struct {
			Values []version `json:"values"`
		} `json:"versions"`
	}
	body.Versions.Values = []version{a.version(x)}
	return reply(x, http.StatusMultipleChoices, body)
}

// showVersion serves GET /v3.
func (a *API) showVersion(x *wire.Exchange) error {
	return reply(x, http.StatusOK, struct {
		Version version `json:"version"`
	}{a.version(x)})
}
