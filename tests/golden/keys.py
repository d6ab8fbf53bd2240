"""The float arrays of every network in order: (key, shape) pairs under their makers' names and layouts."""

_RESNET_REPEATS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
_LITE_CHANNELS = {
    "lite0": (16, 24, 40, 80, 112, 192, 320),
    "lite1": (16, 24, 40, 80, 112, 192, 320),
    "lite2": (16, 24, 48, 88, 120, 208, 352),
}
_LITE_REPEATS = {"lite0": (1, 2, 2, 3, 3, 4, 1), "lite1": (1, 3, 3, 4, 4, 5, 1), "lite2": (1, 3, 3, 4, 4, 5, 1)}


def tvos_resnet(depth):
    """TVOS's ResNet-18, -50 or -101 without the `module.` before each key: 265 arrays for 50."""
    shapes = _stem("backbone.0", "backbone.1")
    shapes += _layers(depth, (64, 128, 256, 256), [f"backbone.{i}" for i in (4, 5, 6, 7)])
    if depth > 18:
        shapes += _torch_layer("adjust_dim", "bn256", (256, 1024, 1, 1))
    return shapes


def resnet(depth):
    """Torchvision's ResNet-18, -50 or -101."""
    shapes = _stem("conv1", "bn1") + _layers(depth, (64, 128, 256, 512), [f"layer{i}" for i in (1, 2, 3, 4)])
    return [*shapes, ("fc.weight", (1000, 512 if depth == 18 else 2048)), ("fc.bias", (1000,))]


def lite(name, *, classifier=True):
    """EfficientNet-Lite, with or without head and classifier."""
    shapes, c_in, block = _torch_layer("_conv_stem", "_bn0", (32, 3, 3, 3)), 32, 0
    for stage, (channels, repeats) in enumerate(zip(_LITE_CHANNELS[name], _LITE_REPEATS[name], strict=True), start=1):
        size = 5 if stage in (3, 5, 6) else 3
        for _ in range(repeats):
            at, inner = f"_blocks.{block}", c_in if stage == 1 else 6 * c_in
            if stage > 1:
                shapes += _torch_layer(f"{at}._expand_conv", f"{at}._bn0", (inner, c_in, 1, 1))
            shapes += _torch_layer(f"{at}._depthwise_conv", f"{at}._bn1", (inner, 1, size, size))
            shapes += _torch_layer(f"{at}._project_conv", f"{at}._bn2", (channels, inner, 1, 1))
            c_in, block = channels, block + 1
    if classifier:
        shapes += _torch_layer("_conv_head", "_bn1", (1280, c_in, 1, 1))
        shapes += [("_fc.weight", (1000, 1280)), ("_fc.bias", (1000,))]
    return shapes


def lite_deeplab(name):
    """DeepLabv3+ on EfficientNet-Lite: the trunk's PyTorch keys, then ASPP and decoder under TensorFlow's."""
    channels = _LITE_CHANNELS[name]
    return lite(name, classifier=False) + _deeplab(c_low_level=channels[1], c_encoder=channels[6])


def feelvos():
    """The 752 TensorFlow variables of FEELVOS."""
    shapes = _tf_layer("xception_65/entry_flow/conv1_1", (3, 3, 3, 32))
    shapes += _tf_layer("xception_65/entry_flow/conv1_2", (3, 3, 32, 64))
    for block, c_in, c in ((1, 64, 128), (2, 128, 256), (3, 256, 728)):
        shapes += _unit(f"entry_flow/block{block}/unit_1", c_in, (c, c, c), shortcut=True)
    for unit in range(1, 17):
        shapes += _unit(f"middle_flow/block1/unit_{unit}", 728, (728, 728, 728), shortcut=False)
    shapes += _unit("exit_flow/block1/unit_1", 728, (728, 1024, 1024), shortcut=True)
    shapes += _unit("exit_flow/block2/unit_1", 1024, (1536, 1536, 2048), shortcut=False)
    shapes += _deeplab(c_low_level=256, c_encoder=2048)
    shapes += _tf_separable("embedding/split_separable_conv2d", 3, 256, 100, norm=False)
    for i, c_in in enumerate((259, 256, 256, 256)):
        shapes += _tf_separable(f"embedding_seg/split_separable_conv2d_{i}", 7, c_in, 256, norm=False)
    return shapes + _tf_layer("logits/semantic", (1, 1, 256, 1), norm=False)


def _stem(convolution, norm):
    return _torch_layer(convolution, norm, (64, 3, 7, 7))


def _layers(depth, planes, names):
    shapes, c_in = [], 64
    for layer, (name, p, repeats) in enumerate(zip(names, planes, _RESNET_REPEATS[depth], strict=True)):
        c_out = p if depth == 18 else 4 * p
        for block in range(repeats):
            kernels = ((p, c_in, 3), (p, p, 3)) if depth == 18 else ((p, c_in, 1), (p, p, 3), (c_out, p, 1))
            for i, (out, inner, size) in enumerate(kernels, start=1):
                at = f"{name}.{block}"
                shapes += _torch_layer(f"{at}.conv{i}", f"{at}.bn{i}", (out, inner, size, size))
            if block == 0 and (c_in != c_out or layer == 1):
                shapes += _torch_layer(f"{name}.0.downsample.0", f"{name}.0.downsample.1", (c_out, c_in, 1, 1))
            c_in = c_out
    return shapes


def _torch_layer(convolution, norm, shape):
    parts = ("weight", "bias", "running_mean", "running_var")
    return [(f"{convolution}.weight", shape), *((f"{norm}.{part}", shape[:1]) for part in parts)]


def _unit(scope, c_in, channels, *, shortcut):
    shapes, at = [], f"xception_65/{scope}/xception_module"
    for i, (c, c_out) in enumerate(zip((c_in, *channels[:-1]), channels, strict=True), start=1):
        shapes += _tf_separable(f"{at}/separable_conv{i}", 3, c, c_out)
    return shapes + (_tf_layer(f"{at}/shortcut", (1, 1, c_in, channels[-1])) if shortcut else [])


def _deeplab(*, c_low_level, c_encoder):
    shapes = _tf_layer("image_pooling", (1, 1, c_encoder, 256)) + _tf_layer("aspp0", (1, 1, c_encoder, 256))
    for i in (1, 2, 3):
        shapes += _tf_separable(f"aspp{i}", 3, c_encoder, 256)
    shapes += _tf_layer("concat_projection", (1, 1, 1280, 256))
    shapes += _tf_layer("decoder/feature_projection0", (1, 1, c_low_level, 48))
    return (
        shapes
        + _tf_separable("decoder/decoder_conv0", 3, 304, 256)
        + _tf_separable("decoder/decoder_conv1", 3, 256, 256)
    )


def _tf_separable(scope, size, c_in, c_out, *, norm=True):
    depthwise = _tf_layer(f"{scope}_depthwise", (size, size, c_in, 1), depthwise=True, norm=norm)
    return depthwise + _tf_layer(f"{scope}_pointwise", (1, 1, c_in, c_out), norm=norm)


def _tf_layer(scope, shape, *, depthwise=False, norm=True):
    channels = shape[2:3] if depthwise else shape[3:]
    parts = (
        [f"BatchNorm/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")] if norm else ["biases"]
    )
    kernel = (f"{scope}/{'depthwise_weights' if depthwise else 'weights'}", shape)
    return [kernel, *((f"{scope}/{part}", channels) for part in parts)]
