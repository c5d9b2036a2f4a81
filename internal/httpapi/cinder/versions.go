package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// describedBy is where the API is described. Source: recording service-root.
const describedBy = "https://docs.openstack.org/"

// showVersions serves GET /: 300, with every version that may be used. It tells
// version 3.0 in its headers whatever was asked for. Source: recording
// service-root; EVS 9; client-wire section 3.
func (a *API) showVersions(x *wire.Exchange) error {
	x.Header().Set("OpenStack-API-Version", "volume 3.0")
	x.Header().Set("Vary", "OpenStack-API-Version")
	return x.Reply(http.StatusMultipleChoices, func(b []byte) []byte {
		b = append(b, `{"versions":[`...)
		if x.Dialect.OlderListed {
			b = append(appendV1(b, x), ',')
			b = append(appendV2(b, x), ',')
		}
		b = appendV3(b, x)
		return append(b, "]}"...)
	})
}

// showV1 serves GET /v1 and /v1/, which recorded Cinder does not have. Source: EVS 1.1;
// recording service-v1.
func (a *API) showV1(x *wire.Exchange) error {
	if !x.Dialect.OlderListed {
		return wire.Refuse(wire.NoRoute, "The resource could not be found.")
	}
	return replyVersion(x, appendV1)
}

// showV2 serves GET /v2 and /v2/.
func (a *API) showV2(x *wire.Exchange) error { return replyVersion(x, appendV2) }

// showV3 serves GET /v3/.
func (a *API) showV3(x *wire.Exchange) error { return replyVersion(x, appendV3) }

// findV3 serves GET /v3, which Cinder sends on to /v3/. Source: recording service-v3.
func (a *API) findV3(x *wire.Exchange) error {
	if x.Dialect.OpenVersionDocument {
		return replyVersion(x, appendV3)
	}
	return x.Redirect(x.Base + "/v3/")
}

func replyVersion(x *wire.Exchange, entry func([]byte, *wire.Exchange) []byte) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"versions":[`...)
		b = entry(b, x)
		return append(b, "]}"...)
	})
}

func appendV1(b []byte, x *wire.Exchange) []byte { return appendOlder(b, x, "v1") }

func appendV2(b []byte, x *wire.Exchange) []byte { return appendOlder(b, x, "v2") }

// appendOlder appends the entry of v1 or v2, which have no microversions: the empty
// strings are what clients look for. Source: EVS 9; client-wire section 3.
func appendOlder(b []byte, x *wire.Exchange, version string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, version...)
	b = append(b, `.0","status":"SUPPORTED","version":"","min_version":"","updated":"2014-06-28T12:20:21Z","links":[`...)
	b = appendVersionLinks(b, x, "/"+version+"/")
	return append(b, `,"media-types":[{"base":"application/json","type":"application/vnd.openstack.volume+json;version=1"}]}`...)
}

func appendV3(b []byte, x *wire.Exchange) []byte {
	b = append(b, `{"id":"v3.0","status":"CURRENT","version":"`...)
	b = append(b, x.Dialect.MaxMicroversion.String()...)
	b = append(b, `","min_version":"3.0","updated":"2022-08-31T00:00:00Z","links":[`...)
	b = appendVersionLinks(b, x, "/v3/")
	return append(b, `,"media-types":[{"base":"application/json","type":"application/vnd.openstack.volume+json;version=3"}]}`...)
}

// appendVersionLinks appends the two links and the closing bracket.
func appendVersionLinks(b []byte, x *wire.Exchange, path string) []byte {
	b = append(b, `{"rel":"describedby","type":"text/html","href":"`+describedBy+`"},{"rel":"self","href":`...)
	b = wire.AppendString(b, x.Base+path)
	return append(b, "}]"...)
}

// showHealth serves GET /healthcheck: the server answers. Source: recording service-healthcheck.
func (a *API) showHealth(x *wire.Exchange) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return append(b, `{"detailed":false,"reasons":["OK"]}`...)
	})
}
