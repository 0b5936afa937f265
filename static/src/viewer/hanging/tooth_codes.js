/**
 * Codes of single teeth by their FDI number: SNOMED CT of CID 4018 and 4019 (PS3.16), older codes for the same teeth
 * that are retired but written, and the SNOMED-RT codes (`T-54…`) of devices from before 2015.
 */
export const CODES_BY_TOOTH = Object.freeze({
  11: '22120004 422653006 T-54280 T-54282',
  12: '11712009 424877001 T-54270 T-54272',
  13: '80647007 860767006 T-54260',
  14: '57826002 T-54250',
  15: '36492000 T-54240',
  16: '5140004 865995000 T-54230',
  17: '7121006 863902006 T-54220',
  18: '68085002 T-54210',
  21: '31982000 424399000 T-54290 T-54292',
  22: '25748002 423185002 T-54300 T-54302',
  23: '72876007 860780009 T-54310',
  24: '61897005 T-54320',
  25: '23226009 T-54330',
  26: '23427002 865988009 T-54340',
  27: '66303006 863901004 T-54350',
  28: '87704003 T-54360',
  31: '113278005 425106001 T-54440 T-54442',
  32: '423331005 77130001 T-54430 T-54432',
  33: '39844006 860782001 T-54420',
  34: '2400006 T-54410',
  35: '24573005 T-54400',
  36: '866006002 89625000 T-54390',
  37: '48402004 863898000 T-54380',
  38: '74344005 T-54370',
  41: '15422005 424575004 T-54450 T-54452',
  42: '423937004 82628004 T-54460 T-54462',
  43: '47055002 860785004 T-54470',
  44: '80140008 T-54480',
  45: '8873007 T-54490',
  46: '28480000 866005003 T-54500',
  47: '40005008 863899008 T-54510',
  48: '38994002 T-54520',
  51: '245620002 88824007 T-54610 T-54611',
  52: '245619008 65624003 T-54620 T-54621',
  53: '30618001 T-54630',
  54: '17505006 245616001 T-54640 T-54641',
  55: '27855007 T-54650',
  61: '51678005 T-54660',
  62: '43622005 T-54670',
  63: '73937000 T-54680',
  64: '45234009 T-54690',
  65: '51943008 T-54700',
  71: '89552004 T-54760',
  72: '14770005 T-54770',
  73: '245639007 43281008 T-54780 T-54781',
  74: '38896004 T-54790',
  75: '49330006 T-54800',
  81: '67834006 T-54710',
  82: '22445006 T-54720',
  83: '6062009 T-54730',
  84: '245631005 58646007 T-54740 T-54741',
  85: '61868007 T-54750',
});

const BY_CODE = new Map(
  Object.entries(CODES_BY_TOOTH).flatMap(([tooth, codes]) => codes.split(' ').map((code) => [code, tooth])),
);

/** Schemes whose codes are the numbers of ISO 3950, which are FDI's; devices write the name in many ways. */
const ISO_3950 = /^(ISO[ _-]?3950|FDI)/i;

/** Universal numbers are coded by the American standard under this name. */
const UNIVERSAL = /^(ADA|ANSI)/i;

/**
 * The tooth that a code names.
 * @param {string} scheme Coding Scheme Designator
 * @param {string} value Code Value
 * @param {(universal: string) => string|null} fromUniversal
 * @returns {string|null} FDI number
 */
export function toothOfCode(scheme, value, fromUniversal) {
  const tooth = BY_CODE.get(value);
  if (tooth) return tooth;
  if (ISO_3950.test(scheme)) return CODES_BY_TOOTH[value] ? value : null;
  return UNIVERSAL.test(scheme) ? fromUniversal(value) : null;
}
