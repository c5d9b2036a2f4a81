package nbd_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/nbd"
)

const (
	plainFlags = 1 | 1<<2 | 1<<3 | 1<<6 | 1<<8 // flags, flush, fua, zeroes, multi-conn
	trimFlag   = 1 << 5
	dfFlag     = 1 << 7
)

func TestExportNameBeginsTheTransmission(t *testing.T) {
	for _, tc := range []struct {
		name  string
		flags uint32
		bytes int
	}{
		{"with padding", 1, 8 + 2 + 124},
		{"without padding", 3, 8 + 2},
		{"of an old client", 0, 8 + 2 + 124},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := serve(t, one(t, newDisk(1<<20)))
			c := newClient(t, r.connect(t))
			c.put(tc.flags)
			c.sendOption(exportName, []byte("vol"))
			got := c.take(tc.bytes)
			if size := binary.BigEndian.Uint64(got); size != 1<<20 {
				t.Errorf("size %d", size)
			}
			if flags := binary.BigEndian.Uint16(got[8:]); flags != plainFlags {
				t.Errorf("flags %#x, want %#x", flags, plainFlags)
			}
			if !bytes.Equal(got[10:], make([]byte, tc.bytes-10)) {
				t.Error("the padding is not zero")
			}
			c.want(0, write, 0, 0, 3, []byte("abc"))
			if r := c.want(0, read, 0, 0, 3, nil); string(r.data) != "abc" {
				t.Errorf("read %q", r.data)
			}
		})
	}
}

func TestExportNameThatIsNotThereClosesTheConnection(t *testing.T) {
	r := serve(t, one(t, newDisk(512)))
	c := dial(t, r)
	c.sendOption(exportName, []byte("no-such-name"))
	c.wantEnd()
}

func TestAbortIsAcknowledged(t *testing.T) {
	c := dial(t, serve(t, nil))
	if kind := c.kindOf(abort); kind != ack {
		t.Errorf("answered with %#x", kind)
	}
	c.wantEnd()
}

func TestListIsEmptyWithoutACertificate(t *testing.T) {
	r := serve(t, one(t, newDisk(512)))
	r.names.list("vol")
	c := dial(t, r)
	if all := c.option(list); len(all) != 1 || all[0].kind != ack {
		t.Errorf("answered with %v", all)
	}
	if kind := c.kindOf(list, uint32(0)); kind != invalid {
		t.Errorf("LIST with data was answered with %#x", kind)
	}
}

func TestInfoTellsAndGoBegins(t *testing.T) {
	r := serve(t, oneRich(t, newRichDisk(1<<20)))
	c := dial(t, r)
	for _, option := range []uint32{info, info, goOn} {
		all := c.option(option, "vol", uint16(2), uint16(3), uint16(1))
		if len(all) != 3 || all[0].kind != repInfo || all[1].kind != repInfo || all[2].kind != ack {
			t.Fatalf("option %d: %v", option, all)
		}
		if want := pack(uint16(0), uint64(1<<20), uint16(plainFlags|trimFlag)); !bytes.Equal(all[0].data, want) {
			t.Errorf("export info %x, want %x", all[0].data, want)
		}
		if want := pack(uint16(3), uint32(1), uint32(4096), uint32(32<<20)); !bytes.Equal(all[1].data, want) {
			t.Errorf("block sizes %x, want %x", all[1].data, want)
		}
	}
	c.want(0, flush, 0, 0, 0, nil)
}

func TestAnExportShowsNoMoreThanItsSize(t *testing.T) {
	for _, tc := range []struct{ export, shown int64 }{{0, 4096}, {1024, 1024}, {1 << 40, 4096}} {
		d := newDisk(4096)
		exports := one(t, d)
		exports["vol"] = nbd.Export{Open: d.open, Size: tc.export}
		c := attach(t, serve(t, exports), "vol")
		if int64(c.size) != tc.shown {
			t.Errorf("size %d of 4096 is shown as %d", tc.export, c.size)
		}
		c.want(einval, read, 0, c.size, 1, nil)
		c.want(0, read, 0, c.size-1, 1, nil)
	}
}

func TestBadOptionsAreRefusedAndTheHandshakeGoesOn(t *testing.T) {
	for _, tc := range []struct {
		name   string
		option uint32
		data   []any
		want   uint32
	}{
		{"an unknown export", goOn, []any{"other", uint16(0)}, unknown},
		{"info of an unknown export", info, []any{"other", uint16(0)}, unknown},
		{"go without anything", goOn, nil, invalid},
		{"go whose name is longer than the option", goOn, []any{uint32(99), []byte("vol")}, invalid},
		{"go whose name has 2^32-1 bytes", goOn, []any{uint32(1<<32 - 1), []byte("vol")}, invalid},
		{"go without a count", goOn, []any{"vol"}, invalid},
		{"go with a count too high", goOn, []any{"vol", uint16(2), uint16(3)}, invalid},
		{"go with bytes behind", goOn, []any{"vol", uint16(0), uint16(3)}, invalid},
		{"go with a name of 5000 bytes", goOn, []any{strings.Repeat("x", 5000), uint16(0)}, invalid},
		{"structured reply with data", structuredReply, []any{uint16(0)}, invalid},
		{"TLS that is not offered", startTLS, nil, policy},
		{"peek at an export", 4, nil, unsup},
		{"extended headers", 11, nil, unsup},
		{"an unknown option", 0xdeadbeef, []any{"some data"}, unsup},
		{"set a context before structured replies", setMeta, []any{"vol", uint32(1), "base:allocation"}, invalid},
		{"list contexts without a count", listMeta, []any{"vol"}, invalid},
		{"list contexts with a query missing", listMeta, []any{"vol", uint32(2), "base:"}, invalid},
		{"list contexts with bytes behind", listMeta, []any{"vol", uint32(0), "base:"}, invalid},
		{"list contexts with 2^32-1 queries", listMeta, []any{"vol", uint32(1<<32 - 1)}, invalid},
		{"list contexts of an unknown export", listMeta, []any{"other", uint32(0)}, unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, serve(t, one(t, newDisk(512))))
			if kind := c.kindOf(tc.option, tc.data...); kind != tc.want {
				t.Errorf("answered with %#x, want %#x", kind, tc.want)
			}
			c.begin("vol")
			c.want(0, read, 0, 0, 512, nil)
		})
	}
}

func TestContextsAreListedAndChosen(t *testing.T) {
	for _, tc := range []struct {
		name    string
		option  uint32
		queries []string
		found   bool
	}{
		{"list all", listMeta, nil, true},
		{"list a namespace", listMeta, []string{"base:"}, true},
		{"list one", listMeta, []string{"base:allocation"}, true},
		{"list another", listMeta, []string{"qemu:"}, false},
		{"set one", setMeta, []string{"qemu:dirty-bitmap:x", "base:allocation"}, true},
		{"set a namespace", setMeta, []string{"base:"}, false},
		{"set none", setMeta, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, serve(t, one(t, newDisk(512))))
			c.option(structuredReply)
			data := []any{"vol", uint32(len(tc.queries))}
			for _, query := range tc.queries {
				data = append(data, query)
			}
			all := c.option(tc.option, data...)
			if all[len(all)-1].kind != ack || (len(all) == 2) != tc.found {
				t.Fatalf("answered with %v", all)
			}
			if tc.found && (all[0].kind != repMeta || string(all[0].data[4:]) != "base:allocation") {
				t.Errorf("answered with %v", all[0])
			}
			c.begin("vol")
			want := uint32(einval)
			if tc.found && tc.option == setMeta {
				want = 0
			}
			c.want(want, status, 0, 0, 512, nil)
		})
	}
}

func TestAContextCountsOnlyForTheExportItWasChosenFor(t *testing.T) {
	first, second := newDisk(512), newDisk(512)
	exports := one(t, first)
	exports["other"] = one(t, second)["vol"]
	c := dial(t, serve(t, exports))
	c.option(structuredReply)
	c.option(setMeta, "other", uint32(1), "base:allocation")
	c.begin("vol")
	c.want(einval, status, 0, 0, 512, nil)
}

func TestALaterChoiceOfContextsReplacesAnEarlierOne(t *testing.T) {
	c := dial(t, serve(t, one(t, newDisk(512))))
	c.option(structuredReply)
	c.option(setMeta, "vol", uint32(1), "base:allocation")
	if kind := c.kindOf(setMeta, "vol", uint32(0)); kind != ack {
		t.Fatalf("answered with %#x", kind)
	}
	c.begin("vol")
	c.want(einval, status, 0, 0, 512, nil)
}

func TestAReadOnlyExportSaysSoAndRefusesWrites(t *testing.T) {
	d := newRichDisk(8192)
	exports := oneRich(t, d)
	exports["vol"] = nbd.Export{Open: d.open, ReadOnly: true}
	c := attach(t, serve(t, exports), "vol")
	if want := uint16(1 | 1<<1 | 1<<2 | 1<<3 | dfFlag | 1<<8); c.flags != want {
		t.Errorf("flags %#x, want %#x", c.flags, want)
	}
	c.want(eperm, write, 0, 0, 4, []byte("abcd"))
	c.want(eperm, write, fua, 1<<40, 4, []byte("abcd"))
	c.want(eperm, zeroes, 0, 0, 4096, nil)
	c.want(eperm, trim, 0, 0, 4096, nil)
	c.want(0, flush, 0, 0, 0, nil)
	c.want(0, read, 0, 0, 8192, nil)
	if d.unflushed() != 0 {
		t.Error("a write reached the device")
	}
}

func TestGarbageInTheHandshakeClosesAndIsLoggedOnceWithoutWhatCame(t *testing.T) {
	const secret = "a-very-secret-export-name"
	long := bytes.Repeat([]byte{'x'}, 70<<10)
	for _, tc := range []struct {
		name string
		send []byte
	}{
		{"a browser", []byte("GET /" + secret + " HTTP/1.1\r\nHost: x\r\n\r\n")},
		{"unknown client flags", pack(uint32(1 << 5))},
		{"no option magic", pack(uint32(3), []byte("IHAVEOPX"), uint32(7), secret, make([]byte, 16))},
		{"an option of 70 KiB", pack(uint32(3), []byte("IHAVEOPT"), uint32(goOn), uint32(len(long)), long)},
		{"an option of 4 GiB", pack(uint32(3), []byte("IHAVEOPT"), uint32(goOn), uint32(1<<32-1))},
		{"a name of 5000 bytes", pack(uint32(3), []byte("IHAVEOPT"), uint32(exportName), uint32(5000), long[:5000])},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := serve(t, one(t, newDisk(512)))
			c := newClient(t, r.connect(t))
			_, _ = c.Write(tc.send) // the server may close before it has read all
			c.wantEnd()
			eventually(t, "one warning was logged", func() bool { return len(r.log.with(`"WARN"`)) == 1 })
			if said := r.log.with(secret); len(said) != 0 {
				t.Errorf("logged: %s", said)
			}
		})
	}
}

func TestAHandshakeHasOnlySoManyOptions(t *testing.T) {
	r := serve(t, nil, func(c *nbd.Config) { c.Limits.Options = 3 })
	c := dial(t, r)
	for range 3 {
		c.option(list)
	}
	c.wantEnd()
}

func TestNamesAreNeverLogged(t *testing.T) {
	const name = "nbd-0123456789abcdef"
	d := newDisk(4096)
	exports := one(t, d)
	exports[name] = exports["vol"]
	r := serve(t, exports)
	c := attach(t, r, name)
	c.put(command(disc, 0, 0, 0, 0, nil))
	c.wantEnd()
	c = dial(t, r)
	c.option(goOn, name+"x", uint16(0))
	c.option(abort)
	c.wantEnd()
	eventually(t, "both ends were logged", func() bool { return len(r.log.with("connection ended")) == 2 })
	if said := r.log.with("0123456789"); len(said) != 0 {
		t.Errorf("logged: %s", said)
	}
	if len(r.log.with(nbd.LogName(name))) == 0 {
		t.Error("nothing in the log tells which export it was")
	}
}
