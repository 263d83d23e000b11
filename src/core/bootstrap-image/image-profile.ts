/**
 * Which machines the Bootstrap Image has drivers for: servers as they are sold, and virtual machines; or virtual machines only,
 * with an image that is smaller. The first one is the default.
 */
export const imageProfiles = ["generic", "virtual"] as const;

export type ImageProfile = (typeof imageProfiles)[number];

export const defaultProfile: ImageProfile = imageProfiles[0];
