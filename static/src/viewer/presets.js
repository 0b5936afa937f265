/** Windows that readers of CT expect, in Hounsfield units; the first six have the keys 1–6. */
export const CT_PRESETS = Object.freeze([
  { name: 'Soft tissue', width: 400, center: 40 },
  { name: 'Lung', width: 1500, center: -600 },
  { name: 'Bone', width: 2000, center: 500 },
  { name: 'Brain', width: 80, center: 40 },
  { name: 'Angio', width: 600, center: 300 },
  { name: 'Teeth and jaw', width: 3500, center: 1000 },
]);
