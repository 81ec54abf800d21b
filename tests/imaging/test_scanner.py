"""The scanner of a header: manufacturer and model in plain letters, and nothing that names one machine or person."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from hipcad_desktop.imaging.dicom_header import header_facts


def scanner(**elements: str) -> str | None:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return header_facts(dataset, frames=1, turned=False, colour=False).scanner


@pytest.mark.parametrize(
    ("maker", "model", "expected"),
    [
        ("FUJIFILM Corporation", "XG1TC", "FUJIFILM XG1TC"),
        ("FUJIFILM  Corporation ", "xg1tc", "FUJIFILM xg1tc"),
        ("Philips Medical Systems", "Philips DigitalDiagnost 4.2", "Philips DigitalDiagnost 4.2"),
        ("Canon Inc.", "CXDI-70C/東京", "Canon CXDI-70C"),
        ("", "DRX-1", "DRX-1"),
        ("日本", "", None),
        ("", "", None),
    ],
)
def test_it_is_maker_and_model(maker: str, model: str, expected: str | None) -> None:
    assert scanner(Manufacturer=maker, ManufacturerModelName=model) == expected


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("DeviceSerialNumber", "SN-4711"),
        ("StationName", "XRAY_ROOM2"),
        ("DetectorID", "D99X1"),
        ("InstitutionName", "Gamagori City Hospital"),
        ("PatientID", "1234567"),
        ("PatientName", "Suzuki^Ichiro"),
        ("OperatorsName", "Tanaka^Ken"),
    ],
)
def test_what_names_one_is_left_out(keyword: str, value: str) -> None:
    words = re.split(r"[\^ ]", value)
    found = scanner(
        Manufacturer="Carestream", ManufacturerModelName=f"DRX {value.replace('^', ' ')} Evo", **{keyword: value}
    )
    assert found is not None
    assert found.startswith("Carestream DRX")
    assert found.endswith("Evo")
    assert not any(word.lower() in found.lower() for word in words)


def test_long_numbers_are_left_out_where_no_element_names_them() -> None:
    assert scanner(Manufacturer="Agfa", ManufacturerModelName="DX-D 600 A0012345678") == "Agfa DX-D 600"


@given(st.text(max_size=60), st.text(max_size=60))
def test_it_is_short_and_plain_whatever_is_written(maker: str, model: str) -> None:
    def clean(text: str) -> str:  # what pydicom takes for one value of a text element
        return "".join(c for c in text if c.isprintable() and c != "\\")

    found = scanner(Manufacturer=clean(maker), ManufacturerModelName=clean(model))
    assert found is None or re.fullmatch(r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,39}", found)
