package evs

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// aboutOrder is what an error about paying is about. Source: EVS.2147.
const aboutOrder = "bssParam"

// orderWords are what the members of an order may say; v5 spells them its own way.
// Source: EVS 7.2, 7.3; vendor's SDK, BssParamForCreateVolume.
var orderWords = map[string][]string{
	"chargingMode": {"postPaid", "prePaid"}, "periodType": {"month", "year"},
	"isAutoPay": {"true", "false"}, "isAutoRenew": {"true", "false"}, orderV5: {"true", "false"},
}

// orderV5 is v5's word for isAutoPay, which the vendor's clients write in two ways: a
// string (the SDK, PrepaidParamForBatchResizeVolume) or a boolean (the Terraform
// provider, evs_volumes_batch_expand, in each request).
const orderV5 = "is_auto_pay"

// mostPeriods is how many periods can be bought, by their kind. Source: EVS 7.2.
var mostPeriods = map[string]int64{"month": 9, "year": 1}

// payAsYouGo reads what a request says of paying under key, and refuses orders: disks
// are not bought for a period here, and an order's id would lead to a service that
// is not there. Source: EVS 7.2, bssParam; EVS.2147.
func payAsYouGo(x *wire.Exchange, key string) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	value, given := top.Get(key)
	if !given || value.Kind() == 'n' {
		return nil
	}
	order, err := wire.ObjectOf(value, key)
	if err == nil {
		err = checkOrder(order)
	}
	return block.On(aboutOrder, err)
}

func checkOrder(order wire.Members) error {
	said := map[string]string{}
	for name, words := range orderWords {
		value, given := order.Get(name)
		if !given || value.Kind() == 'n' {
			continue
		}
		if name == orderV5 && (value.Kind() == 't' || value.Kind() == 'f') {
			continue
		}
		word, err := wire.ReadString(value, name)
		if err != nil {
			return err
		}
		if !slices.Contains(words, word) {
			return block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it must be %s, as a string, not %.64q.", name, strings.Join(words, " or "), word)
		}
		said[name] = word
	}
	if err := checkPeriods(order, said["periodType"]); err != nil {
		return err
	}
	if said["chargingMode"] == "prePaid" {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute chargingMode: it must be postPaid, not prePaid: disks cannot be bought for a period here.")
	}
	return nil
}

// checkPeriods reads how many periods of a kind are meant; of none, months.
func checkPeriods(order wire.Members, kind string) error {
	most, named := mostPeriods[kind]
	if !named {
		most = mostPeriods["month"]
	}
	var value jsontext.Value
	value, given := order.Get("periodNum")
	if !given || value.Kind() == 'n' {
		return nil
	}
	_, err := wire.ReadInt(value, "periodNum", 1, most)
	return err
}
