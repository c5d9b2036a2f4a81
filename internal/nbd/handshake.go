package nbd

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// agreed is what the handshake settled for the transmission.
type agreed struct {
	size       int64
	flags      uint16
	structured bool
	status     bool // base:allocation was chosen for this export
}

// handshake is the talk before the first command. It reads exactly what it needs,
// so that nothing sent in plain text is taken for something said under TLS.
type handshake struct {
	*conn
	noZeroes   bool
	structured bool
	statusOf   string // the export that base:allocation was chosen for
	status     bool
}

// negotiate ends with an export to serve, or with the reason why there is none.
func (c *conn) negotiate() (agreed, error) {
	h := &handshake{conn: c}
	hello := binary.BigEndian.AppendUint64(nil, magicServer)
	hello = binary.BigEndian.AppendUint64(hello, magicOption)
	hello = binary.BigEndian.AppendUint16(hello, flagFixedNewstyle|flagNoZeroes)
	if _, err := c.net.Write(hello); err != nil {
		return agreed{}, err
	}
	var flags [4]byte
	if _, err := io.ReadFull(c.net, flags[:]); err != nil {
		return agreed{}, err
	}
	said := binary.BigEndian.Uint32(flags[:])
	if said&^(flagFixedNewstyle|flagNoZeroes) != 0 {
		return agreed{}, protocolError("unknown client flags")
	}
	h.noZeroes = said&flagNoZeroes != 0
	for range c.server.limits.Options {
		option, data, err := h.read()
		if err != nil {
			return agreed{}, err
		}
		settled, done, err := h.answer(option, data)
		if done || err != nil {
			return settled, err
		}
	}
	return agreed{}, protocolError("too many options")
}

func (h *handshake) read() (option uint32, data []byte, err error) {
	var head [optionHead]byte
	if _, err := io.ReadFull(h.net, head[:]); err != nil {
		return 0, nil, err
	}
	if binary.BigEndian.Uint64(head[:]) != magicOption {
		return 0, nil, protocolError("not an option")
	}
	n := binary.BigEndian.Uint32(head[12:])
	if int64(n) > int64(h.server.limits.OptionBytes) {
		return 0, nil, protocolError("an option is too long")
	}
	data = make([]byte, n)
	_, err = io.ReadFull(h.net, data)
	return binary.BigEndian.Uint32(head[8:]), data, err
}

// answer serves one option; done says that the transmission begins.
func (h *handshake) answer(option uint32, data []byte) (settled agreed, done bool, err error) {
	if h.plainRefused() && option != optStartTLS && option != optAbort {
		if option == optExportName {
			return agreed{}, false, protocolError("an export was asked for without TLS")
		}
		return agreed{}, false, h.reply(option, repErrTLSReqd, nil)
	}
	switch option {
	case optExportName:
		return h.exportName(data)
	case optAbort:
		_ = h.reply(option, repAck, nil) // it may have gone already
		return agreed{}, false, errLeft
	case optList:
		return agreed{}, false, h.list(data)
	case optStartTLS:
		return agreed{}, false, h.startTLS(data)
	case optInfo, optGo:
		return h.infoOrGo(option, data)
	case optStructuredReply:
		if len(data) != 0 {
			return agreed{}, false, h.reply(option, repErrInvalid, nil)
		}
		h.structured = true
		return agreed{}, false, h.reply(option, repAck, nil)
	case optListMetaContext, optSetMetaContext:
		return agreed{}, false, h.metaContext(option, data)
	}
	return agreed{}, false, h.reply(option, repErrUnsup, nil)
}

// plainRefused tells whether nothing but STARTTLS may be said now.
func (h *handshake) plainRefused() bool {
	addr := h.raw.LocalAddr()
	return h.server.requireTLS && !h.peer.TLS && (addr == nil || addr.Network() != "unix")
}

func (h *handshake) reply(option, kind uint32, data []byte) error {
	b := make([]byte, 0, 20+len(data))
	b = binary.BigEndian.AppendUint64(b, magicReply)
	b = binary.BigEndian.AppendUint32(b, option)
	b = binary.BigEndian.AppendUint32(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	_, err := h.net.Write(append(b, data...))
	return err
}

// refuse answers an option whose export could not be claimed. Who does not know a
// name learns nothing; the cause of a failure is for our log.
func (h *handshake) refuse(option uint32, name string, err error) error {
	h.unclaim()
	h.server.figures.refused.Add(1)
	switch {
	case errors.Is(err, ErrNoExport):
		h.server.log.Info("nbd: refused an unknown export", "export", LogName(name), "remote", h.peer.Remote)
		return h.reply(option, repErrUnknown, []byte("no such export"))
	case h.stopping.Load():
		return h.reply(option, repErrShutdown, nil)
	case h.ctx.Err() != nil:
		return err
	}
	h.server.log.Error("nbd: an export cannot be opened", "export", LogName(name), "remote", h.peer.Remote, "err", err)
	return h.reply(option, repErrPolicy, []byte("the export cannot be opened now"))
}

// settle is what the claimed export looks like to this client.
func (h *handshake) settle() agreed {
	can := &h.held.can
	a := agreed{size: can.Size(), structured: h.structured, flags: canAnything | canFlush | canFUA | canMultiConn}
	if h.export.Size > 0 {
		a.size = min(a.size, h.export.Size)
	}
	if h.structured {
		a.flags |= canDF
	}
	if h.export.ReadOnly {
		a.flags |= isReadOnly
	} else {
		a.flags |= canWriteZeroes
		if can.trims != nil {
			a.flags |= canTrim
		}
	}
	a.status = h.structured && h.status && h.statusOf == h.name
	return a
}

// exportName is the oldest way to begin: no errors, only a close.
func (h *handshake) exportName(data []byte) (agreed, bool, error) {
	if len(data) > maxExportName {
		return agreed{}, false, protocolError("a name is too long")
	}
	if err := h.claim(string(data)); err != nil {
		return agreed{}, false, fmt.Errorf("export %s: %w", LogName(string(data)), err)
	}
	a := h.settle()
	b := binary.BigEndian.AppendUint64(nil, uint64(a.size))
	b = binary.BigEndian.AppendUint16(b, a.flags)
	if !h.noZeroes {
		b = append(b, make([]byte, exportPadding)...)
	}
	_, err := h.net.Write(b)
	return a, true, err
}

// infoOrGo tells about an export, and for GO begins to serve it. What the client
// wants to know is not looked at: it gets what we have.
func (h *handshake) infoOrGo(option uint32, data []byte) (agreed, bool, error) {
	name, rest, good := cutName(data)
	if !good || len(rest) < 2 || len(rest) != 2+2*int(binary.BigEndian.Uint16(rest)) {
		return agreed{}, false, h.reply(option, repErrInvalid, nil)
	}
	if err := h.claim(name); err != nil {
		return agreed{}, false, h.refuse(option, name, err)
	}
	a := h.settle()
	b := binary.BigEndian.AppendUint16(nil, infoExport)
	b = binary.BigEndian.AppendUint64(b, uint64(a.size))
	b = binary.BigEndian.AppendUint16(b, a.flags)
	if err := h.reply(option, repInfo, b); err != nil {
		return agreed{}, false, err
	}
	b = binary.BigEndian.AppendUint16(b[:0], infoBlockSize)
	for _, size := range [...]uint32{minBlock, preferredBlock, maxPayload} {
		b = binary.BigEndian.AppendUint32(b, size)
	}
	if err := h.reply(option, repInfo, b); err != nil {
		return agreed{}, false, err
	}
	return a, option == optGo, h.reply(option, repAck, nil)
}

func (h *handshake) list(data []byte) error {
	if len(data) != 0 {
		return h.reply(optList, repErrInvalid, nil)
	}
	names := h.server.exports.List(h.ctx, h.peer)
	for _, name := range names[:min(len(names), maxListed)] {
		if len(name) > maxExportName {
			continue
		}
		b := binary.BigEndian.AppendUint32(nil, uint32(len(name)))
		if err := h.reply(optList, repServer, append(b, name...)); err != nil {
			return err
		}
	}
	return h.reply(optList, repAck, nil)
}

// startTLS goes on under TLS; what was said before is forgotten.
func (h *handshake) startTLS(data []byte) error {
	switch {
	case len(data) != 0 || h.peer.TLS:
		return h.reply(optStartTLS, repErrInvalid, nil)
	case h.server.tls == nil:
		return h.reply(optStartTLS, repErrPolicy, nil)
	}
	if err := h.reply(optStartTLS, repAck, nil); err != nil {
		return err
	}
	h.unclaim()
	h.structured, h.status, h.statusOf = false, false, ""
	secure := tls.Server(h.raw, h.server.tls)
	ctx, stop := context.WithTimeout(h.ctx, h.server.limits.Handshake)
	defer stop()
	if err := secure.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	h.net, h.peer.TLS = secure, true
	// A certificate counts only if it was verified: ClientAuth may ask for less.
	if state := secure.ConnectionState(); len(state.VerifiedChains) > 0 {
		h.peer.ClientCert = state.PeerCertificates[0]
	}
	return nil
}

// metaContext lists the contexts of an export, or chooses among them: there is one.
func (h *handshake) metaContext(option uint32, data []byte) error {
	name, rest, good := cutName(data)
	if !good || len(rest) < 4 || (option == optSetMetaContext && !h.structured) {
		return h.reply(option, repErrInvalid, nil)
	}
	queries := binary.BigEndian.Uint32(rest)
	rest = rest[4:]
	if queries > maxQueries {
		return h.reply(option, repErrInvalid, nil)
	}
	asked := option == optListMetaContext && queries == 0
	for range queries {
		var query string
		if query, rest, good = cutName(rest); !good {
			return h.reply(option, repErrInvalid, nil)
		}
		asked = asked || query == baseAllocation || (option == optListMetaContext && query == "base:")
	}
	if len(rest) != 0 {
		return h.reply(option, repErrInvalid, nil)
	}
	if option == optSetMetaContext {
		h.status, h.statusOf = false, "" // a failed choice undoes an earlier one
	}
	if err := h.claim(name); err != nil {
		return h.refuse(option, name, err)
	}
	if asked {
		id := uint32(allocationContextID)
		if option == optListMetaContext {
			id = 0 // reserved there
		} else {
			h.status, h.statusOf = true, name
		}
		b := binary.BigEndian.AppendUint32(nil, id)
		if err := h.reply(option, repMetaContext, append(b, baseAllocation...)); err != nil {
			return err
		}
	}
	return h.reply(option, repAck, nil)
}

// cutName takes a string with its length in front off data.
func cutName(data []byte) (name string, rest []byte, good bool) {
	if len(data) < 4 {
		return "", nil, false
	}
	n := binary.BigEndian.Uint32(data)
	if n > maxExportName || int(n) > len(data)-4 {
		return "", nil, false
	}
	return string(data[4 : 4+n]), data[4+n:], true
}
