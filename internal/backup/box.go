package backup

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// kind is what an object holds; a box of one kind never opens as another.
type kind byte

const (
	chunkKind    kind = 'C' // bytes of a device
	indexKind    kind = 'I' // names of chunks
	manifestKind kind = 'M'
)

// The layout of a box, version 1. All numbers are big-endian.
//
//	 0  4  magic
//	 4  1  kind
//	 5  1  version
//	 6  1  codec: what the plain bytes were made into before they were encrypted
//	 7  1  zero
//	 8  4  length of the plain bytes
//	12 16  salt, which with the repository's key makes the key of this box
//	28 12  nonce
//	40  n  AES-256-GCM of the bytes; the header and the object's name are authenticated, too
//	    4  CRC-32C of all before, so that damage is told from a wrong key
const (
	boxMagic   = "bzbk"
	boxVersion = 1
	boxHeader  = 40
	saltAt     = 12
	nonceAt    = 28
	boxTag     = 16
	boxSum     = 4

	codecPlain = 0
	codecZstd  = 1

	// maxPlain is the most that one box holds, in bytes.
	maxPlain = ChunkSize
	// maxBox is the longest box: what does not shrink is stored as it is.
	maxBox = boxHeader + maxPlain + boxTag + boxSum
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // never changed

// name is a chunk's or index's: HMAC-SHA-256 of kind and plain bytes under a key
// of the repository, so that nobody without it can tell whether some bytes are in
// a backup. The zero name stands for nothing but zeroes.
type name [sha256.Size]byte

var zeroName name // never changed

// secrets are the keys of a repository, each for one use.
type secrets struct {
	names [32]byte // of HMAC
	boxes [32]byte // from which each box's own key is made
}

// newSecrets derives the keys from the repository's master key.
func newSecrets(master []byte) (*secrets, error) {
	s := &secrets{}
	for use, into := range map[string][]byte{"names of chunks": s.names[:], "keys of boxes": s.boxes[:]} {
		key, err := hkdf.Expand(sha256.New, master, "breezeblock backup 1: "+use, len(into))
		if err != nil {
			return nil, err
		}
		copy(into, key)
	}
	return s, nil
}

func (s *secrets) name(k kind, plain []byte) (n name) {
	mac := hmac.New(sha256.New, s.names[:])
	mac.Write([]byte{byte(k)})
	mac.Write(plain)
	mac.Sum(n[:0])
	return n
}

// aead is the cipher of one box. With a key for each salt, nonces of 12 random
// bytes never meet under one key.
func (s *secrets) aead(salt []byte) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, s.boxes[:])
	mac.Write(salt)
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// press packs and unpacks boxes; one goroutine uses it at a time.
type press struct {
	secrets *secrets
	random  io.Reader
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	squeeze []byte // of the encoder
	box     []byte // the last one packed
}

func newPress(s *secrets, random io.Reader) (*press, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(maxPlain), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain), zstd.WithDecoderMaxWindow(maxPlain))
	if err != nil {
		return nil, err
	}
	return &press{secrets: s, random: random, encoder: encoder, decoder: decoder}, nil
}

func (p *press) close() {
	_ = p.encoder.Close() // holds nothing: EncodeAll is its only use
	p.decoder.Close()
}

// pack makes a box; it is good until the next call.
func (p *press) pack(k kind, object string, plain []byte) ([]byte, error) {
	if len(plain) == 0 || len(plain) > maxPlain {
		return nil, fmt.Errorf("%w: a box holds 1 to %d bytes, not %d", ErrInvalid, maxPlain, len(plain))
	}
	codec, body := byte(codecZstd), p.encoder.EncodeAll(plain, p.squeeze[:0])
	p.squeeze = body
	if len(body) >= len(plain) {
		codec, body = codecPlain, plain
	}
	header := [boxHeader]byte{4: byte(k), 5: boxVersion, 6: codec}
	copy(header[:], boxMagic)
	binary.BigEndian.PutUint32(header[8:], uint32(len(plain)))
	if _, err := io.ReadFull(p.random, header[saltAt:]); err != nil {
		return nil, fmt.Errorf("draw a nonce: %w", err)
	}
	aead, err := p.secrets.aead(header[saltAt:nonceAt])
	if err != nil {
		return nil, err
	}
	box := append(p.box[:0], header[:]...)
	box = aead.Seal(box, header[nonceAt:], body, authenticated(header[:], object))
	p.box = binary.BigEndian.AppendUint32(box, crc32.Checksum(box, castagnoli))
	return p.box, nil
}

// authenticated is what the tag covers beside the bytes.
func authenticated(header []byte, object string) []byte {
	return append(bytes.Clone(header), object...)
}

// errBox is why a box does not open.
func errBox(object, why string) error { return fmt.Errorf("%w: %s: %s", ErrDamaged, object, why) }

// open gives the plain bytes of a box, appended to into; fails with ErrDamaged.
func (p *press) open(k kind, object string, box, into []byte) ([]byte, error) {
	length, err := checkBox(k, object, box)
	if err != nil {
		return nil, err
	}
	header, body := box[:boxHeader], box[boxHeader:len(box)-boxSum]
	aead, err := p.secrets.aead(header[saltAt:nonceAt])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, header[nonceAt:], body, authenticated(header, object))
	if err != nil {
		return nil, errBox(object, "it was sealed with another key, for another name, or was changed")
	}
	return p.unpack(object, header[6], plain, length, into)
}

// checkBox holds a box to its checksum and header, without a key, and tells the length
// of what it holds; fails with ErrDamaged.
func checkBox(k kind, object string, box []byte) (length int, err error) {
	if len(box) < boxHeader+boxTag+boxSum || len(box) > maxBox {
		return 0, errBox(object, fmt.Sprintf("%d bytes are no box", len(box)))
	}
	end := len(box) - boxSum
	header := box[:boxHeader]
	switch {
	case crc32.Checksum(box[:end], castagnoli) != binary.BigEndian.Uint32(box[end:]):
		return 0, errBox(object, "its checksum is wrong")
	case string(header[:4]) != boxMagic || header[7] != 0:
		return 0, errBox(object, "it is no box")
	case header[5] != boxVersion:
		return 0, errBox(object, fmt.Sprintf("its format is %d; this version reads %d", header[5], boxVersion))
	case header[4] != byte(k):
		return 0, errBox(object, "it is of another kind")
	}
	length = int(binary.BigEndian.Uint32(header[8:]))
	if length == 0 || length > maxPlain {
		return 0, errBox(object, "its length is out of range")
	}
	return length, nil
}

// unpack undoes the codec. What was authenticated is ours, but a box with a wrong
// length inside must not pass either.
func (p *press) unpack(object string, codec byte, body []byte, length int, into []byte) ([]byte, error) {
	was := len(into)
	var err error
	switch codec {
	case codecPlain:
		into = append(into, body...)
	case codecZstd:
		into, err = p.decoder.DecodeAll(body, into)
	default:
		err = errors.New("unknown codec")
	}
	if err != nil {
		return nil, errBox(object, err.Error())
	}
	if len(into)-was != length {
		return nil, errBox(object, "it holds more or less than it says")
	}
	return into, nil
}
