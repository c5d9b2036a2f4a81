package cinder

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// blockRoutes are of ours: what a snapshot holds, in the shape of EBS's direct APIs.
func (a *API) blockRoutes() []wire.Route {
	const one = "/snapshots/{snapshot_id}"
	return []wire.Route{
		{Name: "snapshot.blocks", Method: "GET", Path: one + "/blocks", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.listBlocks},
		{Name: "snapshot.changed_blocks", Method: "GET", Path: one + "/changed-blocks", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.listChangedBlocks},
		{Name: "snapshot.data", Method: "GET", Path: one + "/data", Versions: wire.V2V3, Permission: wire.Member, OK: 206, Source: ours, Handle: a.readSnapshot},
	}
}

// listBlocks serves GET /snapshots/{snapshot_id}/blocks: where it holds data.
func (a *API) listBlocks(x *wire.Exchange) error {
	q, err := readBlockQuery(x.Request.URL.RawQuery, "max_results", "next_token", "starting_offset")
	if err != nil {
		return err
	}
	return a.replyBlocks(x, q)
}

// listChangedBlocks serves GET /snapshots/{snapshot_id}/changed-blocks?since=ID:
// where it may differ from another snapshot of its volume, older or newer.
func (a *API) listChangedBlocks(x *wire.Exchange) error {
	q, err := readBlockQuery(x.Request.URL.RawQuery, "since", "max_results", "next_token", "starting_offset")
	if err != nil {
		return err
	}
	if q.Since == "" {
		return block.Errorf(block.Invalid, "since is needed: the id of another snapshot of the volume. GET .../blocks lists all that a snapshot holds.")
	}
	return a.replyBlocks(x, q)
}

func (a *API) replyBlocks(x *wire.Exchange, q block.BlockQuery) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	q.SnapshotID = x.PathValue("snapshot_id")
	list, err := a.blocks.Blocks(x.Context(), caller, q)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendBlocks(b, list) })
}

// defaultBlocks is max_results when it is not said.
const defaultBlocks = 1000

// readBlockQuery reads the parameters, each of which may be there once.
func readBlockQuery(raw string, known ...string) (q block.BlockQuery, err error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return q, block.Errorf(block.Invalid, "The query cannot be read: it is no list of name=value.")
	}
	for name, values := range query {
		if !slices.Contains(known, name) || len(values) != 1 {
			return q, block.Errorf(block.Invalid, "Invalid parameter %.64q: known, once each, are %s.", name, strings.Join(known, ", "))
		}
	}
	q.Since, q.Token, q.Max = query.Get("since"), query.Get("next_token"), defaultBlocks
	if text := query.Get("max_results"); query.Has("max_results") {
		if q.Max, err = strconv.Atoi(text); err != nil || q.Max < 1 || q.Max > block.MaxBlocks {
			return q, block.Errorf(block.Invalid, "Invalid max_results %.24q: it must be from 1 to %d.", text, block.MaxBlocks)
		}
	}
	if text := query.Get("starting_offset"); query.Has("starting_offset") {
		if q.From, err = strconv.ParseInt(text, 10, 64); err != nil || q.From < 0 || q.From%block.BlockSize != 0 {
			return q, block.Errorf(block.Invalid, "Invalid starting_offset %.24q: it must be a multiple of %d, in bytes.", text, block.BlockSize)
		}
		if q.Token != "" {
			return q, block.Errorf(block.Invalid, "starting_offset and next_token are not taken together.")
		}
	}
	return q, nil
}

func appendBlocks(b []byte, list *block.BlockList) []byte {
	number := func(name string, n int64) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = strconv.AppendInt(b, n, 10)
	}
	b = append(b, `{"snapshot_id":`...)
	b = wire.AppendString(b, list.SnapshotID)
	b = append(b, `,"volume_id":`...)
	b = wire.AppendString(b, list.VolumeID)
	b = append(b, `,"since":`...)
	b = wire.AppendOptional(b, list.Since)
	number("block_size", block.BlockSize)
	number("volume_size", list.VolumeSize)
	b = append(b, `,"blocks":[`...)
	for i, at := range list.Blocks {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"offset":`...)
		b = strconv.AppendInt(b, at.Offset, 10)
		number("length", at.Length)
		b = append(b, `,"zero":`...)
		b = strconv.AppendBool(b, at.Zero)
		b = append(b, '}')
	}
	b = append(b, `],"next_token":`...)
	b = wire.AppendOptional(b, list.Next)
	b = append(b, `,"expires_at":`...)
	b = wire.AppendTime(b, list.Expires)
	return append(b, '}')
}

// chunk is how much is read at once, in bytes.
const chunk = 256 << 10

// readSnapshot serves GET /snapshots/{snapshot_id}/data: 206 with the bytes of one
// range. What is damaged at its beginning is a fault; further on the connection
// breaks. With Want-Content-Digest all of it is read, and damage found, before the
// first byte goes out. Source: RFC 9110, 14; RFC 9530.
func (a *API) readSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	select {
	case a.readers <- struct{}{}:
		defer func() { <-a.readers }()
	default:
		return block.Errorf(block.Unavailable, "%d reads of snapshots are under way, which is as many as there may be; try again.", block.MaxReaders)
	}
	data, err := a.blocks.OpenSnapshot(x.Context(), caller, x.PathValue("snapshot_id"))
	if err != nil {
		return err
	}
	defer func() { _ = data.Close() }() // it was only read
	off, n, err := x.ReadRange(data.Size(), block.MaxRead)
	if err != nil {
		return err
	}
	buffer := make([]byte, min(chunk, n))
	h := x.Header()
	if wantsDigest(x.Request.Header.Get("Want-Content-Digest")) {
		sum := sha256.New()
		if err := copyRange(sum, data, buffer, off, n); err != nil {
			return err
		}
		h.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum.Sum(nil))+":")
	}
	if err := data.ReadAt(buffer, off); err != nil { // before the answer begins
		return err
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, data.Size()))
	h.Set("Etag", strconv.Quote(x.PathValue("snapshot_id"))) // it never changes
	return x.Stream(http.StatusPartialContent, "application/octet-stream", n, func(w io.Writer) error {
		if _, err := w.Write(buffer); err != nil {
			return err
		}
		done := int64(len(buffer))
		err := copyRange(w, data, buffer, off+done, n-done)
		if err != nil {
			a.log.WarnContext(x.Context(), "a read of a snapshot broke off", "request_id", x.RequestID, "err", err)
		}
		return err
	})
}

// copyRange writes n bytes at off.
func copyRange(w io.Writer, data *block.SnapshotData, buffer []byte, off, n int64) error {
	for n > 0 {
		part := buffer[:min(int64(len(buffer)), n)]
		if err := data.ReadAt(part, off); err != nil {
			return err
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		off, n = off+int64(len(part)), n-int64(len(part))
	}
	return nil
}

// wantsDigest tells whether a client asks for SHA-256: 0 is its way to say no.
// Source: RFC 9530, 4.
func wantsDigest(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name == "sha-256" && weight != "0" {
			return true
		}
	}
	return false
}
