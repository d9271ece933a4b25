// swift-tools-version: 6.1
import PackageDescription

/// A target imports only targets above it in this list (see ARCHITECTURE.md).
let package = Package(
    name: "prism",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "prism", targets: ["prism"]),
        .library(
            name: "Prism",
            targets: [
                "PrismCore", "PrismTensor", "PrismFormats", "PrismHub", "PrismModels", "PrismActivations",
                "PrismConcepts", "PrismDictionaries", "PrismMetrics", "PrismAtlas", "PrismCausal", "PrismLab",
                "PrismSpectrum", "PrismRuns",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-algorithms", from: "1.2.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CPrismKernels"),
        .systemLibrary(
            name: "CPrismBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "PrismCore", dependencies: [.target(name: "COpenSSL", condition: .when(platforms: [.linux]))]),
        .target(name: "PrismTensor", dependencies: ["CPrismKernels", "CPrismBLAS", "PrismCore"]),
        .target(name: "PrismFormats", dependencies: ["CZlib", "PrismCore", "PrismTensor"]),
        .target(name: "PrismHub", dependencies: ["PrismCore", "PrismFormats"]),
        .target(
            name: "PrismModels", dependencies: ["PrismCore", "PrismFormats", "PrismTensor"],
            resources: [.copy("one-layer")]),
        .target(
            name: "PrismActivations",
            dependencies: [
                "PrismCore", "PrismFormats", "PrismModels", "PrismTensor",
                .product(name: "Algorithms", package: "swift-algorithms"),
            ]),
        .target(
            name: "PrismConcepts",
            dependencies: [
                "PrismActivations", "PrismCore", "PrismModels", "PrismTensor", .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "PrismDictionaries",
            dependencies: [
                "PrismActivations", "PrismCore", "PrismFormats", "PrismTensor", .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "PrismMetrics",
            dependencies: [
                "PrismActivations", "PrismCore", "PrismDictionaries", "PrismModels", "PrismTensor",
                .product(name: "Algorithms", package: "swift-algorithms"),
            ]),
        .target(
            name: "PrismAtlas",
            dependencies: ["PrismCore", "PrismMetrics", "PrismTensor", .product(name: "GRDB", package: "GRDB.swift")],
            resources: [.copy("Resources")]),
        .target(
            name: "PrismCausal",
            dependencies: [
                "PrismActivations", "PrismAtlas", "PrismCore", "PrismDictionaries", "PrismFormats", "PrismMetrics",
                "PrismModels", "PrismTensor", .product(name: "Algorithms", package: "swift-algorithms"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "PrismLab",
            dependencies: [
                "CPrismKernels", "PrismActivations", "PrismAtlas", "PrismCore", "PrismDictionaries", "PrismMetrics",
                "PrismTensor",
            ]),
        .target(
            name: "PrismSpectrum",
            dependencies: [
                "PrismActivations", "PrismAtlas", "PrismConcepts", "PrismCore", "PrismDictionaries", "PrismLab",
                "PrismMetrics", "PrismTensor",
            ]),
        .target(
            name: "PrismRuns",
            dependencies: [
                "PrismActivations", "PrismAtlas", "PrismCausal", "PrismConcepts", "PrismCore", "PrismDictionaries",
                "PrismFormats", "PrismMetrics", "PrismModels", "PrismSpectrum", "PrismTensor",
                .product(name: "Yams", package: "Yams"),
            ]),
        .executableTarget(
            name: "prism",
            dependencies: [
                "CPrismBLAS", "PrismActivations", "PrismAtlas", "PrismCausal", "PrismCore", "PrismDictionaries",
                "PrismFormats", "PrismHub", "PrismLab", "PrismMetrics", "PrismModels", "PrismRuns", "PrismSpectrum",
                "PrismTensor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .target(name: "PrismTestSupport", dependencies: ["PrismCore"], path: "Tests/PrismTestSupport"),
        .testTarget(name: "PrismCoreTests", dependencies: ["PrismCore", "PrismTestSupport"]),
        .testTarget(name: "PrismTensorTests", dependencies: ["PrismTensor", "PrismTestSupport"]),
        .testTarget(
            name: "PrismFormatsTests", dependencies: ["PrismFormats", "PrismTestSupport"], resources: [.copy("Goldens")]
        ),
        .testTarget(name: "PrismHubTests", dependencies: ["PrismHub", "PrismTestSupport"]),
        .testTarget(
            name: "PrismModelsTests", dependencies: ["PrismModels", "PrismTestSupport"], resources: [.copy("Goldens")]),
        .testTarget(name: "PrismActivationsTests", dependencies: ["PrismActivations", "PrismTestSupport"]),
        .testTarget(name: "PrismConceptsTests", dependencies: ["PrismConcepts", "PrismTestSupport"]),
        .testTarget(
            name: "PrismDictionariesTests", dependencies: ["PrismDictionaries", "PrismTestSupport"],
            resources: [.copy("Goldens")]),
        .testTarget(
            name: "PrismMetricsTests", dependencies: ["PrismMetrics", "PrismTestSupport"], resources: [.copy("Goldens")]
        ),
        .testTarget(
            name: "PrismAtlasTests",
            dependencies: ["PrismAtlas", "PrismTestSupport", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(
            name: "PrismCausalTests", dependencies: ["PrismCausal", "PrismTestSupport"], resources: [.copy("Goldens")]),
        .testTarget(
            name: "PrismRunsTests", dependencies: ["PrismRuns", "PrismTestSupport"], resources: [.copy("Goldens")]),
        .testTarget(name: "PrismLabTests", dependencies: ["PrismLab", "PrismTestSupport"]),
        .testTarget(name: "PrismSpectrumTests", dependencies: ["PrismSpectrum", "PrismTestSupport"]),
        .testTarget(
            name: "PrismCommandTests",
            dependencies: ["prism", "PrismCausal", "PrismLab", "PrismRuns", "PrismTestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
