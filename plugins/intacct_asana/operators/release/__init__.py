"""Plans over the limits in people's hands: held back, asked about, carried out."""
