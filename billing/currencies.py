"""The active currencies of ISO 4217 and how many decimals their minor unit has."""

_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
        "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
        "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
        "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS = {code: exponent for exponent, codes in _EXPONENTS.items() for code in codes.split()}


def parse_currency(text: str) -> str:
    """Check an ISO 4217 code in capitals; raises ValueError."""
    if text not in EXPONENTS:
        raise ValueError(f"{text!r} is not an active ISO 4217 currency: write its three capitals, such as USD")
    return text


def minor_unit_exponent(currency: str) -> int:
    """Return the decimals of an invoice line in that currency (contract section 1).

    Raises KeyError for a code that `parse_currency` refuses.

    >>> minor_unit_exponent("USD"), minor_unit_exponent("JPY"), minor_unit_exponent("KWD")
    (2, 0, 3)
    """
    return EXPONENTS[currency]
