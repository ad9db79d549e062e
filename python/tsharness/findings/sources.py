"""Where users have met what a finding tells of: issues and pages, by its code. ``pytorch#N`` is an issue or
pull request of pytorch/pytorch."""

from __future__ import annotations

from collections.abc import Mapping

SOURCES: Mapping[str, tuple[str, ...]] = {
    "TS101": (
        "pytorch#23498",
        "pytorch#22485",
        "docs.pytorch.org/docs/stable/generated/torch.jit.trace.html",
    ),
    "TS102": ("pytorch#55194", "pytorch#22485"),
    "TS103": ("pytorch#55194", "pytorch#23498"),
    "TS201": ("pytorch#74534", "pytorch#144965", "pytorch#69078"),
    "TS202": ("pytorch#15210", "pytorch#58055"),
    "TS203": ("pytorch#23498", "pytorch#19349"),
    "TS206": ("pytorch#53635", "pytorch#155423", "pytorch#21734"),
    "TS209": ("pytorch/vision#2915", "pytorch#105196", "rusty1s/pytorch_scatter#147"),
    "TS301": ("pytorch#47917", "pytorch#172004", "pytorch#31620", "pytorch/android-demo-app#157"),
    "TS311": ("pytorch#31620", "pytorch#16741"),
    "TS312": ("pytorch#77573", "pytorch#179581"),
    "TS325": ("pytorch#185440",),
    "TS331": ("pytorch#47243", "pytorch#51855", "caffe2/serialize/versions.h of pytorch/pytorch"),
    "TS332": ("pytorch/vision#2915", "rusty1s/pytorch_scatter#147", "pytorch#23714", "pytorch#58744"),
    "TS333": ("pytorch/TensorRT#1651", "pytorch/TensorRT#2088"),
    "TS334": ("pytorch#81287", "pytorch#28945"),
    "TS335": ("pytorch#189532", "pytorch#185297"),
    "TS336": ("facebookresearch/playtorch#59", "pytorch/android-demo-app#202"),
    "TS337": ("pytorch/android-demo-app#157", "ultralytics/yolov5#12302"),
    "TS341": ("pytorch#62961", "pytorch#145995", "pytorch#31141"),
    "TS342": ("huggingface/transformers#1344", "huggingface/diffusers#720"),
    "TS343": ("pytorch#59530", "pytorch#38472", "pytorch#15319"),
    "TS344": ("pytorch#43661", "pytorch#29177", "pytorch#71929"),
    "TS345": ("pytorch#9069", "pytorch#43765"),
    "TS346": ("pytorch#91438", "pytorch#28360"),
    "TS347": ("pytorch#15210", "pytorch#51452"),
    "TS348": ("pytorch#57569", "pytorch#48437"),
    "TS350": ("pytorch#21734", "pytorch#23862"),
    "TS351": ("pytorch#67160", "pytorch#30625"),
    "TS352": ("triton-inference-server/server#2048", "triton-inference-server/server#4557"),
    "TS353": ("pytorch#22395", "pytorch#33212", "pytorch/serve#409"),
    "TS354": ("pytorch#89241", "pytorch#84092"),
    "TS355": ("triton-inference-server/server#7974", "mir-group/nequip#174"),
    "TS356": ("pytorch#69608", "pytorch#86527"),
    "TS361": ("pytorch#143403", "SECURITY.md of pytorch/pytorch"),
    "TS362": ("SECURITY.md of pytorch/pytorch",),
    "TS364": ("pytorch#143326", "SECURITY.md of pytorch/pytorch"),
}
