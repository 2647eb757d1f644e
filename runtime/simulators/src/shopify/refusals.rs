//! What a mutation answers when it does nothing: a code, where, and why.

/// Why a mutation did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal<C> {
    /// The reason.
    pub code: C,
    /// The path of the input at fault.
    pub field: Vec<String>,
    /// The reason for people.
    pub message: String,
}

/// A reason with its usual text.
pub trait Code: Copy {
    /// For people.
    fn message(self) -> &'static str;

    /// The refusal for this reason at `field`: a path of names and indices, joined by dots.
    fn at(self, field: &str) -> Refusal<Self> {
        let field = field.split('.').filter(|it| !it.is_empty()).map(str::to_owned).collect();
        Refusal { code: self, field, message: self.message().to_owned() }
    }
}

/// Declares the codes of one mutation family, as the schema spells them, with their texts.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($code:ident => $message:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
        #[allow(missing_docs)]
        pub enum $name {
            $(#[doc = $message] $code,)*
        }

        impl Code for $name {
            fn message(self) -> &'static str {
                match self {
                    $(Self::$code => $message,)*
                }
            }
        }
    };
}

pub(in crate::shopify) use codes;

codes!(
    /// Why quantities were not set.
    InventorySetQuantitiesUserErrorCode {
        ChangeFromQuantityStale => "The changeFromQuantity value does not match persisted value.",
        CompareQuantityRequired => "The changeFromQuantity argument must be given to each quantity; null opts out of the comparison.",
        CompareQuantityStale => "The compareQuantity value does not match persisted value.",
        IdempotencyConcurrentRequest => "This request is currently in progress, please try again.",
        IdempotencyKeyParameterMismatch => "The same idempotency key cannot be used with different operation parameters.",
        IdempotencyPreviousAttemptFailed => "A previous request with this idempotency key failed. Retry with a new idempotency key.",
        InvalidInventoryItem => "The specified inventory item could not be found.",
        InvalidLocation => "The specified location could not be found.",
        InvalidName => "The quantity name must be either 'available' or 'on_hand'.",
        InvalidQuantityNegative => "The quantity can't be negative.",
        InvalidQuantityTooHigh => "The total quantity can't be higher than 1,000,000,000.",
        InvalidQuantityTooLow => "The total quantity can't be lower than -1,000,000,000.",
        InvalidReason => "The specified reason is invalid.",
        InvalidReferenceDocument => "The specified reference document is invalid.",
        NonMutableInventoryItem => "The specified inventory item is not allowed to be adjusted via API. Example: if the inventory item is a parent bundle.",
        NoDuplicateInventoryItemIdGroupIdPair => "The combination of inventoryItemId and locationId must be unique.",
    }
);

codes!(
    /// Why quantities were not adjusted.
    InventoryAdjustQuantitiesUserErrorCode {
        AdjustQuantitiesFailed => "The quantities couldn't be adjusted. Try again.",
        ChangeFromQuantityStale => "The changeFromQuantity argument no longer matches the persisted quantity.",
        IdempotencyConcurrentRequest => "This request is currently in progress, please try again.",
        IdempotencyKeyParameterMismatch => "The same idempotency key cannot be used with different operation parameters.",
        IdempotencyPreviousAttemptFailed => "A previous request with this idempotency key failed. Retry with a new idempotency key.",
        InternalLedgerDocument => "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API.",
        InvalidAvailableDocument => "A ledger document URI is not allowed when adjusting available.",
        InvalidInventoryItem => "The specified inventory item could not be found.",
        InvalidLedgerDocument => "The specified ledger document is invalid.",
        InvalidLocation => "The specified location could not be found.",
        InvalidQuantityDocument => "A ledger document URI is required except when adjusting available.",
        InvalidQuantityName => "The specified quantity name is invalid.",
        InvalidQuantityTooHigh => "The quantity can't be higher than 2,000,000,000.",
        InvalidQuantityTooLow => "The quantity can't be lower than -2,000,000,000.",
        InvalidReason => "The specified reason is invalid.",
        InvalidReferenceDocument => "The specified reference document is invalid.",
        MaxOneLedgerDocument => "All changes must have the same ledger document URI or, in the case of adjusting available, no ledger document URI.",
        NonMutableInventoryItem => "The specified inventory item is not allowed to be adjusted via API. Example: if the inventory item is a parent bundle.",
        ServiceUnavailable => "The service is temporarily unavailable. Try again later.",
    }
);

codes!(
    /// Why fixed prices were not added or deleted.
    PriceListPriceUserErrorCode {
        Blank => "The input value is blank.",
        PriceListCurrencyMismatch => "The specified currency doesn't match the price list's currency.",
        PriceListNotFound => "The price list doesn't exist.",
        PriceNotFixed => "Only fixed prices can be deleted.",
        VariantNotFound => "A fixed price for the specified product variant doesn't exist.",
    }
);

codes!(
    /// Why quantity pricing was not changed.
    QuantityPricingByVariantUserErrorCode {
        Blank => "The input value is blank.",
        GenericError => "Something went wrong when trying to update quantity pricing. Please try again later.",
        PriceAddCurrencyMismatch => "Price list and fixed price currency mismatch.",
        PriceAddDuplicateInputForVariant => "Prices to add inputs must be unique by variant id.",
        PriceAddVariantNotFound => "Fixed price's variant not found.",
        PriceDeletePriceNotFixed => "Price is not fixed.",
        PriceDeleteVariantNotFound => "Fixed price's variant not found.",
        PriceListNotFound => "Price List does not exist.",
        QuantityPriceBreakAddCurrencyMismatch => "Price list and quantity price break currency mismatch.",
        QuantityPriceBreakAddDuplicateInputForVariantAndMin => "Quantity price breaks to add inputs must be unique by variant id and minimum quantity.",
        QuantityPriceBreakAddInvalid => "Invalid quantity price break.",
        QuantityPriceBreakAddLimitExceeded => "Exceeded the allowed number of quantity price breaks per variant.",
        QuantityPriceBreakAddMinHigherThanQuantityRulesMax => "Quantity price break miniumum is higher than the quantity rule maximum.",
        QuantityPriceBreakAddMinLowerThanQuantityRulesMin => "Quantity price break miniumum is less than the quantity rule minimum.",
        QuantityPriceBreakAddMinNotAMultipleOfQuantityRulesIncrement => "Quantity price break miniumum is not multiple of the quantity rule increment.",
        QuantityPriceBreakAddPriceListPriceNotFound => "Quantity price break's fixed price not found.",
        QuantityPriceBreakAddVariantNotFound => "Quantity price break variant not found.",
        QuantityPriceBreakDeleteByVariantIdVariantNotFound => "Variant to delete by is not found.",
        QuantityPriceBreakDeleteNotFound => "Quantity price break not found.",
        QuantityRuleAddDuplicateInputForVariant => "Quantity rules to add inputs must be unique by variant id.",
        QuantityRuleAddIncrementIsGreaterThanMinimum => "Quantity rule increment is greater than minimum.",
        QuantityRuleAddIncrementIsLessThanOne => "Quantity rule increment is less than one.",
        QuantityRuleAddMaximumIsLessThanOne => "Quantity rule maximum is less than one.",
        QuantityRuleAddMaximumNotAMultipleOfIncrement => "Quantity rule maximum is not a multiple of increment.",
        QuantityRuleAddMinimumGreaterThanMaximum => "Quantity rule minimum is greater than maximum.",
        QuantityRuleAddMinimumIsLessThanOne => "Quantity rule minimum is less than one.",
        QuantityRuleAddMinimumNotAMultipleOfIncrement => "Quantity rule minimum is not a multiple of increment.",
        QuantityRuleAddVariantNotFound => "Quantity rule variant not found.",
        QuantityRuleDeleteRuleNotFound => "Quantity rule not found.",
        QuantityRuleDeleteVariantNotFound => "Quantity rule variant not found.",
    }
);

codes!(
    /// Why a price list was not made.
    PriceListUserErrorCode {
        Blank => "The input value is blank.",
        CatalogDoesNotExist => "The specified catalog does not exist.",
        CatalogTaken => "The catalog already has a price list.",
        CurrencyNotSupported => "The specified currency is not supported.",
        GenericError => "Something went wrong.",
        InvalidAdjustmentMaxValue => "The adjustment value must not be above 1000% for type PERCENTAGE_INCREASE.",
        InvalidAdjustmentMinValue => "The adjustment value must not be above 100% for type PERCENTAGE_DECREASE.",
        InvalidAdjustmentValue => "The adjustment value must be a positive value.",
        PriceListNotFound => "The specified price list does not exist.",
        Taken => "The input value is already taken.",
        TooLong => "The input value is too long.",
    }
);

codes!(
    /// Why a catalog was not made.
    CatalogUserErrorCode {
        Blank => "The input value is blank.",
        CompanyLocationNotFound => "The company location could not be found.",
        CatalogNotFound => "The catalog wasn't found.",
        MustProvideExactlyOneContextType => "Must provide exactly one context type.",
        PriceListNotFound => "The price list doesn't exist.",
        PublicationNotFound => "Publication not found.",
        Taken => "The input value is already taken.",
        TooLong => "The input value is too long.",
    }
);

codes!(
    /// Why a company, its locations or contacts were not made or changed.
    BusinessCustomerErrorCode {
        Blank => "The input value is blank.",
        FailedToDelete => "Deleting the resource failed.",
        InternalError => "An internal error occurred.",
        Invalid => "The input value is invalid.",
        InvalidInput => "The input is invalid.",
        LimitReached => "The number of resources exceeded the limit.",
        NoInput => "The input is empty.",
        Required => "Missing a required field.",
        ResourceNotFound => "The resource wasn't found.",
        Taken => "The input value is already taken.",
        TooLong => "The field value is too long.",
        UnexpectedType => "Unexpected type.",
    }
);

codes!(
    /// Why a product was not set.
    ProductSetUserErrorCode {
        DuplicatedOptionName => "Duplicated option name.",
        DuplicatedOptionValue => "Duplicated option value.",
        DuplicatedValue => "Duplicated value.",
        GenericError => "Something went wrong, please try again.",
        HandleNotUnique => "Handle already in use. Please provide a new handle.",
        IdNotAllowed => "The id field is not allowed if identifier is provided.",
        InputMismatch => "The input argument fields must match the identifier.",
        InvalidInput => "Invalid input.",
        InvalidProduct => "Product is not valid.",
        InvalidVariant => "Product variant is not valid.",
        MissingFieldRequired => "Missing a required field.",
        NotFound => "Resource matching the identifier was not found.",
        OptionsOverLimit => "Over the limit of options per product.",
        OptionDoesNotExist => "Option does not exist.",
        OptionValuesMissing => "Option values are missing.",
        OptionValueDoesNotExist => "Option value does not exist.",
        ProductDoesNotExist => "Product does not exist.",
        ProductOptionsInputMissing => "Product options input is required when updating variants.",
        ProductVariantDoesNotExist => "Product variant does not exist.",
        VariantsInputMissing => "Variants input is required when updating product options.",
        VariantsOverLimit => "Over the limit of variants per product.",
    }
);

codes!(
    /// Why variants were not updated.
    ProductVariantsBulkUpdateUserErrorCode {
        InvalidInput => "Invalid input.",
        NegativePriceValue => "Price cannot be a negative value.",
        OptionDoesNotExist => "Option does not exist.",
        ProductDoesNotExist => "Product does not exist.",
        ProductVariantDoesNotExist => "Product variant does not exist.",
        ProductVariantIdMissing => "Product variant is missing ID attribute.",
        NoInventoryQuantitiesOnVariantsUpdate => "Inventory quantities can only be provided during create. To update inventory for existing variants, use inventoryAdjustQuantities.",
    }
);

codes!(
    /// Why an order was not made.
    OrderCreateUserErrorCode {
        FulfillmentServiceInvalid => "Indicates that the fulfillment service is invalid.",
        Invalid => "The input value is invalid.",
        InventoryClaimFailed => "Indicates that the inventory claim failed during order creation.",
        ProcessedAtInvalid => "Indicates that the processed at timestamp is invalid.",
        RedundantCustomerFields => "Indicates that both customer_id and customer were provided - only one is permitted.",
        ShopDormant => "Indicates that the shop is dormant and cannot create orders.",
        TaxLineRateMissing => "Indicates that the tax line rate is missing.",
    }
);

codes!(
    /// Why an order was not cancelled.
    OrderCancelUserErrorCode {
        InternalError => "An internal error occurred.",
        Invalid => "The order cannot be cancelled.",
        NotFound => "The record with the ID used as the input value couldn't be found.",
    }
);

codes!(
    /// Why a metafield was not defined.
    MetafieldDefinitionCreateUserErrorCode {
        Blank => "The input value is blank.",
        Inclusion => "The input value isn't included in the list.",
        InvalidCharacter => "A field contains an invalid character.",
        LimitExceeded => "The maximum limit of definitions per owner type has exceeded.",
        Taken => "The input value is already taken.",
        TooLong => "The input value is too long.",
        TooShort => "The input value is too short.",
        UnstructuredAlreadyExists => "The namespace and key is already in use for a set of your metafields.",
    }
);

codes!(
    /// Why metafields were not set.
    MetafieldsSetUserErrorCode {
        Blank => "The input value is blank.",
        Invalid => "The input value is invalid.",
        InvalidCompareDigest => "The compareDigest is invalid.",
        InvalidType => "The type is invalid.",
        InvalidValue => "The value is invalid for the metafield type or for the definition options.",
        LessThanOrEqualTo => "The input value should be less than or equal to the maximum value allowed.",
        StaleObject => "The metafield has been modified since it was loaded.",
        TooLong => "The input value is too long.",
    }
);
