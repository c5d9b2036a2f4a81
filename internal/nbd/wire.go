package nbd

import "encoding/binary"

// Numbers of the protocol. Source: NetworkBlockDevice/nbd doc/proto.md, "Values".
const (
	magicServer   = 0x4e42444d41474943 // NBDMAGIC
	magicOption   = 0x49484156454F5054 // IHAVEOPT
	magicReply    = 0x0003e889045565a9
	magicRequest  = 0x25609513
	magicSimple   = 0x67446698
	magicChunk    = 0x668e33ef
	optionHead    = 16 // bytes: magic, option, length
	requestHead   = 28 // bytes: magic, flags, type, cookie, offset, length
	simpleHead    = 16 // bytes: magic, error, cookie
	chunkHead     = 20 // bytes: magic, flags, type, cookie, length
	maxExportName = 4096
	// exportPadding is what ends the answer to EXPORT_NAME, unless the client waives it.
	exportPadding = 124
)

// Handshake flags of the server; the client's have the same bits.
const (
	flagFixedNewstyle = 1 << 0
	flagNoZeroes      = 1 << 1
)

// Options of the handshake.
const (
	optExportName       = 1
	optAbort            = 2
	optList             = 3
	optStartTLS         = 5
	optInfo             = 6
	optGo               = 7
	optStructuredReply  = 8
	optListMetaContext  = 9
	optSetMetaContext   = 10
	infoExport          = 0
	infoBlockSize       = 3
	baseAllocation      = "base:allocation"
	allocationContextID = 1
)

// Replies to options.
const (
	repAck         = 1
	repServer      = 2
	repInfo        = 3
	repMetaContext = 4
	repErrUnsup    = 1<<31 | 1
	repErrPolicy   = 1<<31 | 2
	repErrInvalid  = 1<<31 | 3
	repErrTLSReqd  = 1<<31 | 5
	repErrUnknown  = 1<<31 | 6
	repErrShutdown = 1<<31 | 7
)

// Transmission flags: what an export can do.
const (
	canAnything    = 1 << 0
	isReadOnly     = 1 << 1
	canFlush       = 1 << 2
	canFUA         = 1 << 3
	canTrim        = 1 << 5
	canWriteZeroes = 1 << 6
	canDF          = 1 << 7
	canMultiConn   = 1 << 8
)

// Commands and their flags.
const (
	cmdRead        = 0
	cmdWrite       = 1
	cmdDisc        = 2
	cmdFlush       = 3
	cmdTrim        = 4
	cmdWriteZeroes = 6
	cmdBlockStatus = 7

	flagFUA    = 1 << 0
	flagNoHole = 1 << 1
	flagDF     = 1 << 2
	flagReqOne = 1 << 3
)

// Structured replies.
const (
	chunkDone        = 1 << 0
	chunkOffsetData  = 1
	chunkBlockStatus = 5
	chunkError       = 1<<15 | 1

	stateHole = 1 << 0
	stateZero = 1 << 1
)

// Errors of commands; 0 is success.
const (
	ok           uint32 = 0
	errPerm      uint32 = 1
	errIO        uint32 = 5
	errInvalid   uint32 = 22
	errNoSpace   uint32 = 28
	errShutdown  uint32 = 108
	chunkErrSize        = 6 // bytes: error, length of an empty message
)

// Sizes an export asks for, in bytes.
const (
	minBlock       = 1
	preferredBlock = 4096
	maxPayload     = 32 << 20
)

// request is one command as it came.
type request struct {
	flags  uint16
	kind   uint16
	cookie uint64
	off    uint64
	n      uint32
	// payload is what a write brought, or room for what a read will find; nil for the rest.
	payload *buffer
}

// parseRequest reads a head of requestHead bytes; false means that this is no request.
func (r *request) parse(head []byte) bool {
	be := binary.BigEndian
	r.flags, r.kind = be.Uint16(head[4:]), be.Uint16(head[6:])
	r.cookie, r.off, r.n = be.Uint64(head[8:]), be.Uint64(head[16:]), be.Uint32(head[24:])
	r.payload = nil
	return be.Uint32(head) == magicRequest
}

// room is how many bytes of memory the request needs while it is served.
func (r *request) room() int64 {
	if r.kind == cmdRead || r.kind == cmdWrite {
		return int64(r.n)
	}
	return 0
}

func appendSimple(b []byte, cookie uint64, code uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, magicSimple)
	b = binary.BigEndian.AppendUint32(b, code)
	return binary.BigEndian.AppendUint64(b, cookie)
}

// appendChunk is the head of a structured reply that is its own last chunk.
func appendChunk(b []byte, kind uint16, cookie uint64, n uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, magicChunk)
	b = binary.BigEndian.AppendUint16(b, chunkDone)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint64(b, cookie)
	return binary.BigEndian.AppendUint32(b, n)
}

func appendChunkError(b []byte, cookie uint64, code uint32) []byte {
	b = appendChunk(b, chunkError, cookie, chunkErrSize)
	b = binary.BigEndian.AppendUint32(b, code)
	return binary.BigEndian.AppendUint16(b, 0)
}
