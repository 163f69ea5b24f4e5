"""Data of a run: which sheets it sees, the cache of rendered sheets, and batches of tensors.

mix             data mix (scarce, duplicated, fresh, enriched): the sheets of train, validation and test, by seed
las_wells       split of real curves by well, curve or section, so that no test log is in training
curve_coverage  share of the curve shapes of the archive that occur in the training mix
sheet_counts    number of sheets of each split
cache           render each sheet once into a file that all runs share; cache key (hash of content)
cached_sheets   layout of that file: image, labels, strokes, layers; pixel counts per class
cached_maps     cache of truth maps (skeletons, distances)
record_file     file format of both caches: header, records, CRC-32 checksums
tiles           training tiles by optimiser step: shuffling, random corner, augmentation (flip, tone)
                evaluation: whole sheets in order
device_tiles    the same training tiles cut on the GPU
batch           sheets to tensors (darkness of grey levels); check of an image against its mask
folder/         a user's own images and masks
"""
